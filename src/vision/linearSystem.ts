/** Solves a linear system by Gaussian elimination with partial pivoting; each row holds its coefficients, then the right-hand side. */
export function solve(rows: number[][]): number[] {
  const n = rows.length;
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let r = column + 1; r < n; r++) {
      if (Math.abs(rows[r]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = r;
    }
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    const top = rows[column]!;
    for (let r = 0; r < n; r++) {
      if (r === column) continue;
      const factor = rows[r]![column]! / top[column]!;
      for (let c = column; c <= n; c++) rows[r]![c]! -= factor * top[c]!;
    }
  }
  return rows.map((row, k) => row[n]! / row[k]!);
}

/** Coefficients, lowest power first, of the polynomial that meets `f` at the Chebyshev points of [from, to]: near the best of its degree. */
export function fitPolynomial(f: (x: number) => number, from: number, to: number, degree: number): number[] {
  const points = Array.from({ length: degree + 1 }, (_, k) => {
    const node = Math.cos((Math.PI * (2 * k + 1)) / (2 * degree + 2));
    return (from + to) / 2 + ((to - from) / 2) * node;
  });
  return solve(points.map((x) => [...points.map((_, power) => x ** power), f(x)]));
}
