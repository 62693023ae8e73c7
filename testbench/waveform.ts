/** A row of an ASCII waveform: a name and the values of both sides by cycle; undefined where they were not kept. */
export interface WaveRow {
  readonly name: string
  readonly expected: readonly (string | undefined)[]
  readonly got: readonly (string | undefined)[]
}

/**
 * Values by cycle, the expected ones above those that were got. A value that differs from the expected one is marked with `!`, and `^`
 * points at the cycle of the first difference.
 */
export function waveform(
  cycles: readonly number[],
  marked: number,
  rows: readonly WaveRow[],
  sides: readonly [string, string],
): string {
  const label = Math.max(...rows.map(({ name }) => name.length), 'cycle'.length)
  const side = Math.max(...sides.map((name) => name.length))
  const lead = (name: string, of: string) => `  ${name.padEnd(label)}  ${of.padEnd(side)} |`
  const columns = cycles.map((cycle, index) =>
    Math.max(
      `${cycle}`.length,
      ...rows.flatMap((row) =>
        [row.expected[index] ?? '?', `${row.got[index] ?? '?'}!`].map((text) => text.length),
      ),
    ),
  )
  const line = (values: readonly string[]) =>
    values.map((value, index) => value.padStart(columns[index]! + 1)).join('')
  const lines = [lead('cycle', '') + line(cycles.map(String))]
  for (const { name, expected, got } of rows) {
    lines.push(lead(name, sides[0]) + line(expected.map((value) => value ?? '?')))
    lines.push(
      lead('', sides[1]) +
        line(
          got.map((value, index) =>
            value === undefined ? '?' : value === expected[index] ? value : `${value}!`,
          ),
        ),
    )
  }
  lines.push(lead('', '') + line(cycles.map((cycle) => (cycle === marked ? '^' : ''))))
  return lines.map((text) => text.trimEnd()).join('\n')
}
