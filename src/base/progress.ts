/** Progress on stderr: a bar on a terminal, one line a step elsewhere, nothing when quiet. */
export interface Progress {
  /** Starts or renames the step; `total` in units of the caller's choice. */
  step(label: string, total?: number): void
  /** Units done so far in this step. */
  update(done: number, note?: string): void
  /** Ends the step, with a note on what came of it. */
  done(note?: string): void
}

export const silent: Progress = { step() {}, update() {}, done() {} }

export interface ProgressOptions {
  readonly enabled: boolean
  readonly stream?: NodeJS.WriteStream
}

export function progressOn({ enabled, stream = process.stderr }: ProgressOptions): Progress {
  if (!enabled) return silent
  const bar = stream.isTTY === true && process.env['TERM'] !== 'dumb' && !process.env['CI']
  let label = ''
  let total: number | undefined
  let shown = 0
  const erase = () => bar && stream.write('\r\u001b[2K')
  return {
    step(name, units) {
      label = name
      total = units
      shown = 0
      if (bar) stream.write(`\r\u001b[2K${label} ...`)
    },
    update(done, note = '') {
      if (!bar) return
      const now = Date.now()
      if (now - shown < 80) return
      shown = now
      const share = total === undefined || total === 0 ? 0 : Math.min(1, done / total)
      const width = 24
      const filled = Math.round(share * width)
      const counted =
        total === undefined
          ? `${done}`
          : `${'#'.repeat(filled)}${'.'.repeat(width - filled)} ${done}/${total}`
      stream.write(`\r\u001b[2K${label} ${counted} ${note}`.slice(0, (stream.columns ?? 100) + 5))
    },
    done(note = '') {
      erase()
      stream.write(note === '' ? `${label}\n` : `${label}: ${note}\n`)
    },
  }
}
