import { threadsFor } from '../kernels/threads.ts'
import type { ImageShape } from '../net/data/catalogue.ts'
import type { ImageSource } from '../net/data/load.ts'
import type { ImageSet } from '../net/data/store.ts'
import { runJobs } from '../tools/jobs.ts'
import { openThreads } from '../tools/threads.ts'

/** What a thread makes images of. */
export interface PictureTask {
  readonly files: readonly string[]
  readonly shape: ImageShape
}

/** Images of a source, part by part. */
export interface PartReader {
  /** Images that are read at once. */
  readonly part: number
  read(from: number, until: number): Promise<ImageSet>
  close(): void
}

/** So many pictures are decoded before the first is looked at, and while those before them are computed. */
const picturesAhead = 256

/** Pictures that a thread decodes at a time. */
const picturesATask = 8

/** Fewer pictures are decoded before threads have started. */
const worthThreads = 64

/** Decoding a picture takes as long as many networks do: threads do it, those of the next part while this one is computed. */
export function openPictures(
  source: ImageSource,
  images: number,
  signal: AbortSignal,
): PartReader | undefined {
  const { pictures, shape } = source
  const width = threadsFor(Infinity)
  if (pictures === undefined || images < worthThreads || width < 2) return undefined
  const threads = openThreads<PictureTask, Uint8Array>(new URL('./picture-thread', import.meta.url))
  const decode = async (from: number): Promise<ImageSet> => {
    const until = Math.min(images, from + picturesAhead)
    const files = pictures.files(from, until)
    const tasks = Array.from({ length: Math.ceil(files.length / picturesATask) }, (_, task) => {
      const some = files.slice(task * picturesATask, (task + 1) * picturesATask)
      return (inner: AbortSignal) => threads.run({ files: some, shape }, inner)
    })
    try {
      const decoded = await runJobs(tasks, Math.min(width, tasks.length), signal)
      return pictures.assemble(Buffer.concat(decoded), from, until)
    } catch (error) {
      if (signal.aborted) throw error
      // of several pictures that cannot be read the first is told, whichever thread came first
      return source.read(from, until)
    }
  }
  let ahead: { readonly from: number; readonly images: Promise<ImageSet> } | undefined
  const begin = (from: number) => {
    const images = decode(from)
    // whoever reads it meets the failure; nobody may
    images.catch(() => {})
    return { from, images }
  }
  return {
    part: picturesAhead,
    async read(from) {
      const current = ahead?.from === from ? ahead : begin(from)
      const read = await current.images
      const next = from + picturesAhead
      ahead = next < images ? begin(next) : undefined
      return read
    },
    close: () => threads.close(),
  }
}
