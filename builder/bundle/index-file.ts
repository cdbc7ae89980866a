/** Under `out/<cluster>`: which releases were made there, oldest first. */
export const INDEX_FILE = "index.jsonl";
