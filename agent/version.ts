/** The agent's version: that of the package it was built from (a test compares them). */
export const AGENT_VERSION = "0.1.0";
