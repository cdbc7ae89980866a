/** Takes one line about a long step, for people; programs print it with the elapsed time, libraries never print. */
export type Report = (line: string) => void;
