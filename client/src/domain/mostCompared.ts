/** Runs that are compared at once, at most: more curves cannot be told apart. */
export const mostCompared = 20;
