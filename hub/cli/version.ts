/** Version of the program; the same as in package.json, which a compiled program doesn't carry. */
export const VERSION = "0.1.0";
