import { spawnSync } from 'node:child_process'
import { XgenError } from '../base/errors.ts'
import { yosysModule } from './yosys-package.ts'

/** What Yosys made of a small job: the text of the output, or what went wrong, with all it said. */
export type YosysAnswer =
  | { readonly output: string; readonly log: string }
  | { readonly failure: string; readonly log: string }

/** What the process runs: plain JavaScript, as for threads. */
const program = `
let text = ''
process.stdin.setEncoding('utf8').on('data', (part) => { text += part }).on('end', () => {
  const { module, args, files, output } = JSON.parse(text)
  const said = []
  const note = (bytes) => { if (bytes !== null) said.push(Buffer.from(bytes)) }
  const answer = (what) => process.stdout.write(JSON.stringify({ ...what, log: Buffer.concat(said).toString() }))
  const read = (made) => typeof made === 'string' ? made : Buffer.from(made).toString()
  import(module)
    .then(({ runYosys }) => runYosys(args, files, { stdout: note, stderr: note }))
    .then((made) => answer(made[output] === undefined ? { failure: 'no output' } : { output: read(made[output]) }))
    .catch((error) => answer({ failure: String(error?.message ?? error) }))
})
`

/**
 * Runs the Yosys among the npm packages in a process of its own while the caller waits, for what is read where nothing may wait for it
 * later. It ends after `seconds`, and with Ctrl-C.
 */
export function yosysNow(
  script: string,
  files: Readonly<Record<string, string>>,
  output: string,
  seconds: number,
): YosysAnswer {
  const run = spawnSync(
    process.execPath,
    ['--input-type=commonjs', '--max-old-space-size=1024', '-e', program],
    {
      input: JSON.stringify({ module: yosysModule(), args: ['-p', script], files, output }),
      timeout: seconds * 1000,
      killSignal: 'SIGKILL',
      maxBuffer: 2 ** 28,
      encoding: 'utf8',
      env: {},
    },
  )
  if (run.signal === 'SIGINT' || run.signal === 'SIGTERM')
    throw new XgenError('interrupted', 'interrupted while Yosys ran')
  if (run.error !== undefined || run.signal !== null)
    return { failure: `took more than ${seconds} s, or more memory than there is`, log: '' }
  try {
    return JSON.parse(run.stdout) as YosysAnswer
  } catch {
    return { failure: `its process ended with ${run.status}: ${run.stderr.slice(-400)}`, log: '' }
  }
}
