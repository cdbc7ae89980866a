import { chmodSync, rmSync } from "node:fs";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { type AdminServiceServer, AdminServiceService } from "../../proto/gen/kubedos/v1/admin.ts";
import { SERVER_OPTIONS } from "./server-options.ts";

/**
 * Serves the operators' API on a unix socket, mode 0660; the caller's service decides that it only reads. A socket file
 * that a killed hub left behind is replaced.
 */
export async function openSocket(path: string, service: AdminServiceServer): Promise<Server> {
  rmSync(path, { force: true });
  const server = new Server(SERVER_OPTIONS);
  server.addService(AdminServiceService, service);
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) => (error === null ? resolve() : reject(error)));
  });
  chmodSync(path, 0o660);
  return server;
}
