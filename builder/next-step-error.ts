/** Something that can't go on. The code is fixed, the message one sentence; `next` is a command or a step that helps, empty where none is known. */
export abstract class NextStepError<Code extends string> extends Error {
  readonly code: Code;
  readonly next: string;

  constructor(code: Code, message: string, next = "", options?: ErrorOptions) {
    super(message, options);
    // Of the class itself: its name is what a person reads in a stack.
    this.name = new.target.name;
    this.code = code;
    this.next = next;
  }
}
