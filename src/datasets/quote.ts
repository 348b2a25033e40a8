/** A value from a file, fit for a message: quoted, control characters escaped, long ones cut. */
export function quote(value: string): string {
  return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
}
