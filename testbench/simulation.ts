import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startTool, type ToolRun, toolFailed } from '../src/tools/tool.ts'

export interface SimulationRun {
  readonly simulator: string
  readonly top: string
  /** Holds mem/ with the memory images; stimulus and probe list are written here. */
  readonly directory: string
  /** Takes what the simulator says on stderr; simulator.log in the directory where it is not given. */
  readonly log?: string
  /** What the harness does, as bytes, and the number of parts that it announces (images, or episodes). */
  readonly stimulus: { readonly bytes: Uint8Array; readonly parts: number }
  /** Words of a frame before the probes. */
  readonly portWords: number
  /** Paths below the top module, and widths. */
  readonly probes: readonly { readonly path: string; readonly width: number }[]
  readonly signal: AbortSignal
  /** Seconds without a byte after which the simulator is taken to hang. */
  readonly silenceSeconds?: number
}

const streamMagic = 0x53525458
const trailerMagic = 0x45525458
const streamVersion = 1
const headerWords = 4
const trailerWords = 2

/**
 * Runs the simulator and yields what it wrote, frame after frame, as batches: `frames` holds `count` frames of `stride` words, each
 * {ports, probes...}. The batch is overwritten by the next. Ends normally only after the harness' own trailer, with every frame
 * in its place, and a good exit; a simulator that was killed, crashed, or wrote something else is a `tool-failed` error.
 */
export async function* simulate(run: SimulationRun): AsyncGenerator<FrameBatch, void> {
  mkdirSync(run.directory, { recursive: true })
  const stimulusFile = 'stimulus.bin'
  const probeFile = 'probes.txt'
  writeFileSync(join(run.directory, stimulusFile), run.stimulus.bytes)
  writeFileSync(
    join(run.directory, probeFile),
    run.probes.map(({ path, width }) => `${path} ${width}\n`).join(''),
  )
  const tool: ToolRun = {
    name: 'the simulator',
    file: run.simulator,
    made: true,
    args: [run.top, stimulusFile, probeFile],
    cwd: run.directory,
    log: run.log ?? join(run.directory, 'simulator.log'),
    signal: run.signal,
  }
  const running = startTool(tool)
  const reader = frameReader(run.portWords + run.probes.length, run.stimulus.parts)
  try {
    for await (const chunk of withPatience(running.stdout, run.silenceSeconds ?? 600, tool)) {
      const batch = reader.take(chunk)
      if (reader.broken() !== undefined) break
      if (batch.count > 0) yield batch
    }
    const broken = reader.broken()
    if (broken !== undefined) throw toolFailed(tool, broken)
    // A simulator that was killed is told by its end, which says more than the missing frames.
    await running.finished
    const missing = reader.incomplete()
    if (missing !== undefined) throw toolFailed(tool, missing)
  } finally {
    // Also where the reader of these frames has seen enough: what was not read is thrown away, or the pipe would never close.
    running.stop()
    running.stdout.destroy()
    await running.finished.catch(() => {})
  }
}

export interface FrameBatch {
  readonly frames: Uint32Array
  readonly count: number
  readonly stride: number
}

/** Cuts a byte stream into frames and checks that it is one: header, frame numbers without a gap, trailer with their count. */
export function frameReader(stride: number, parts: number) {
  const frameWords = stride + 1
  let held: Buffer = Buffer.alloc(0)
  let headerSeen = false
  let total = 0
  let ended = false
  let broken: string | undefined
  let frames = new Uint32Array(0)

  const header = (view: DataView) => {
    const [magic, version, words, count] = Array.from({ length: headerWords }, (_, i) =>
      view.getUint32(4 * i, true),
    )
    if (magic !== streamMagic) broken = 'wrote something that is no frame stream'
    else if (version !== streamVersion)
      broken = `wrote a frame stream of version ${version}, not ${streamVersion}`
    else if (words !== frameWords || count !== parts)
      broken = `announced ${words} words a frame and ${count} parts instead of ${frameWords} and ${parts}`
    headerSeen = true
  }

  return {
    take(chunk: Uint8Array): FrameBatch {
      held =
        held.length === 0
          ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
          : Buffer.concat([held, chunk])
      let at = 0
      let count = 0
      const view = new DataView(held.buffer, held.byteOffset, held.length)
      if (!headerSeen && held.length >= 4 * headerWords) {
        header(view)
        at = 4 * headerWords
      }
      const most = Math.ceil(held.length / (4 * frameWords))
      if (frames.length < most * stride) frames = new Uint32Array(most * stride)
      while (headerSeen && broken === undefined && held.length - at >= 8) {
        const mark = view.getUint32(at, true)
        if (ended) {
          broken = 'wrote more after its last frame'
        } else if (mark === trailerMagic && view.getUint32(at + 4, true) === total) {
          ended = true
          at += 4 * trailerWords
        } else if (mark !== total) {
          broken = `wrote a damaged stream: frame ${total} is marked ${mark}`
        } else if (held.length - at >= 4 * frameWords) {
          for (let word = 0; word < stride; word++)
            frames[count * stride + word] = view.getUint32(at + 4 + 4 * word, true)
          at += 4 * frameWords
          count++
          total++
        } else break
      }
      held = held.subarray(at)
      return { frames, count, stride }
    },
    broken: () => broken,
    /** Why the stream is not whole, after its end. */
    incomplete(): string | undefined {
      if (ended && held.length === 0) return undefined
      return ended
        ? 'wrote more after its last frame'
        : `ended after ${total} cycles without saying that it is through`
    },
  }
}

/** The chunks of a stream; a long silence is an error. The time that the reader takes between chunks does not count. */
async function* withPatience(
  stream: AsyncIterable<Uint8Array>,
  seconds: number,
  tool: ToolRun,
): AsyncGenerator<Uint8Array, void> {
  const chunks = stream[Symbol.asyncIterator]()
  for (;;) {
    let timer: NodeJS.Timeout | undefined
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(toolFailed(tool, `has written nothing for ${seconds} seconds`)),
        seconds * 1000,
      )
    })
    try {
      const next = await Promise.race([chunks.next(), silence])
      if (next.done === true) return
      yield next.value
    } finally {
      clearTimeout(timer)
    }
  }
}
