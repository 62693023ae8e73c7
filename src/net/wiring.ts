import { usageError } from '../base/errors.ts'
import { didYouMean } from '../base/suggest.ts'
import type { Layer } from './network.ts'

/** The name that stands for the network's image where a layer says what it reads. */
export const imageName = 'input'

/** What of a layer says how it is connected. */
export type Wired = Pick<Layer, 'name' | 'kind' | 'inputs'>

/** The names that each layer reads, in order. Only layers before it and the image can be read, so that there are no cycles. */
export function sourcesOf(layers: readonly Wired[]): readonly (readonly string[])[] {
  const earlier = new Set([imageName])
  let before = imageName
  return layers.map((layer) => {
    const sources = layer.inputs ?? [before]
    checkNumber(layer, sources)
    for (const source of sources) {
      if (!earlier.has(source)) throw unreadable(layer, source, earlier, layers)
    }
    earlier.add(layer.name)
    before = layer.name
    return sources
  })
}

/** That every layer's result is read, but for the last one's. */
export function checkUsed(layers: readonly Wired[]): void {
  const used = new Set(sourcesOf(layers).flat())
  for (const { name } of layers.slice(0, -1)) {
    if (used.has(name)) continue
    throw usageError(`nobody reads the result of layer "${name}", which is not the last one`, {
      where: name,
      hint: 'Name it in the inputs of a layer behind it, or leave it out.',
    })
  }
}

function checkNumber({ name, kind, inputs }: Wired, sources: readonly string[]): void {
  const two = kind === 'add' || kind === 'mul'
  const fits = two ? sources.length === 2 : kind === 'concat' ? sources.length >= 2 : sources.length === 1
  if (fits) return
  const joins = two || kind === 'concat'
  const needed = two ? 'exactly two' : kind === 'concat' ? 'two or more' : 'exactly one'
  throw usageError(
    `layer "${name}" reads ${sources.length === 1 ? 'one result' : `${sources.length} results`}; ${kind} takes ${needed}`,
    {
      where: name,
      hint:
        inputs === undefined || joins
          ? `Name them, for example: inputs: [conv2, conv1].`
          : 'Join them before it with an add, a mul or a concat layer.',
    },
  )
}

function unreadable({ name }: Wired, source: string, earlier: ReadonlySet<string>, layers: readonly Wired[]) {
  const order = 'A layer reads layers before it: put them in order of execution.'
  const where = { where: name }
  if (source === name) return usageError(`layer "${name}" reads its own result`, { ...where, hint: order })
  if (layers.some((layer) => layer.name === source))
    return usageError(`layer "${name}" reads "${source}", which comes after it`, { ...where, hint: order })
  return usageError(
    `layer "${name}" reads "${source}", which is no layer.${didYouMean(source, [...earlier])}`,
    { ...where, hint: `It can read: ${[...earlier].join(', ')}.` },
  )
}
