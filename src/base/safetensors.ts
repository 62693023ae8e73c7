import { z } from 'zod'
import { dataError } from './errors.ts'
import { fromBfloat, fromHalf } from './half.ts'
import { checkedElements, checkNames, checkShape, type ExpectedTensors, type NamedTensor } from './tensor.ts'

const largestHeader = 16 * 1024 * 1024

const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(z.number()).max(16),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
})

const sizes: Readonly<Record<string, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2 }

/** Where and as what a tensor is stored. */
interface StoredTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly dtype: string
  readonly count: number
  /** Bytes from the end of the header. */
  readonly begin: number
  readonly end: number
}

/**
 * Reads a .safetensors file: 8 bytes of header length (little endian), a JSON header, then the data. Float types only.
 * The whole header is checked before memory is taken: every offset against the file and the shape, the elements of all tensors
 * together, that the tensors fill the data without overlap or gap (as the format demands), and names and shapes against `expected`.
 */
export function readSafetensors(bytes: Uint8Array, file: string, expected?: ExpectedTensors): NamedTensor[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const broken = (what: string) => dataError(`is no valid safetensors file: ${what}`, { where: file })
  if (bytes.length < 8) throw broken(`it has ${bytes.length} bytes`)
  const headerLength = Number(view.getBigUint64(0, true))
  if (headerLength > largestHeader || 8 + headerLength > bytes.length)
    throw broken(`its header of ${headerLength} bytes does not fit in it`)
  let header: unknown
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, 8 + headerLength)))
  } catch (cause) {
    throw dataError(`is no valid safetensors file: its header is no JSON`, { where: file, cause })
  }
  if (header === null || typeof header !== 'object' || Array.isArray(header))
    throw broken('its header is no object')
  const dataStart = 8 + headerLength
  const tensors: StoredTensor[] = []
  let taken = 0
  for (const [name, raw] of Object.entries(header)) {
    if (name === '__metadata__') continue
    const entry = entrySchema.safeParse(raw)
    if (!entry.success) throw broken(`the entry of tensor "${name}" is malformed`)
    const { dtype, shape, data_offsets: offsets } = entry.data
    const size = Object.hasOwn(sizes, dtype) ? sizes[dtype] : undefined
    if (size === undefined)
      throw broken(`tensor "${name}" has the type ${dtype}; read are ${Object.keys(sizes).join(', ')}`)
    const count = checkedElements(shape, file, name, taken)
    taken += count
    const [begin, end] = offsets
    if (end < begin || dataStart + end > bytes.length)
      throw broken(`tensor "${name}" lies outside of the file (truncated?)`)
    if (end - begin !== count * size)
      throw broken(`tensor "${name}" has ${end - begin} bytes; its shape and type need ${count * size}`)
    tensors.push({ name, shape, dtype, count, begin, end })
  }
  const problem = layoutProblem(tensors, bytes.length - dataStart)
  if (problem !== undefined) throw broken(problem)
  if (expected !== undefined) {
    checkNames(
      tensors.map(({ name }) => name),
      expected,
      file,
    )
    for (const { name, shape } of tensors) checkShape(name, shape, expected, file)
  }
  return tensors.map(({ name, shape, dtype, count, begin }) => {
    const data = new Float32Array(count)
    for (let i = 0; i < count; i++) data[i] = element(view, dtype, dataStart + begin + i * sizes[dtype]!)
    return { name, shape, data }
  })
}

/** What is wrong where the tensors do not fill the data, one behind the other. */
function layoutProblem(tensors: readonly StoredTensor[], size: number): string | undefined {
  let at = 0
  let last = ''
  for (const { name, begin, end } of [...tensors].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin < at) return `the tensors "${last}" and "${name}" lie over each other`
    if (begin > at) return `the ${begin - at} bytes before tensor "${name}" belong to no tensor`
    at = end
    last = name
  }
  return at === size ? undefined : `the last ${size - at} bytes belong to no tensor`
}

/** A .safetensors file of float32 tensors, in the order given. The same tensors give the same bytes. */
export function writeSafetensors(
  tensors: readonly NamedTensor[],
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  const header: Record<string, unknown> = metadata === undefined ? {} : { __metadata__: metadata }
  let at = 0
  for (const { name, shape, data } of tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [at, at + data.length * 4] }
    at += data.length * 4
  }
  const text = JSON.stringify(header)
  const headerBytes = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 8) * 8))
  const bytes = new Uint8Array(8 + headerBytes.length + at)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, BigInt(headerBytes.length), true)
  bytes.set(headerBytes, 8)
  let to = 8 + headerBytes.length
  for (const { data } of tensors) {
    for (const value of data) {
      view.setFloat32(to, value, true)
      to += 4
    }
  }
  return bytes
}

/** The text entries that a file carries beside its tensors; none where it is no safetensors file. */
export function readMetadata(bytes: Uint8Array): Readonly<Record<string, string>> {
  const parsed = metadataSchema.safeParse(headerOf(bytes))
  return parsed.success ? (parsed.data.__metadata__ ?? {}) : {}
}

const metadataSchema = z.object({ __metadata__: z.record(z.string(), z.string()).optional() })

function headerOf(bytes: Uint8Array): unknown {
  if (bytes.length < 8) return undefined
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
  if (length > largestHeader || 8 + length > bytes.length) return undefined
  try {
    return JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))
  } catch {
    return undefined
  }
}

function element(view: DataView, dtype: string, at: number): number {
  switch (dtype) {
    case 'F64':
      return view.getFloat64(at, true)
    case 'F32':
      return view.getFloat32(at, true)
    case 'BF16':
      return fromBfloat(view.getUint16(at, true))
    default:
      return fromHalf(view.getUint16(at, true))
  }
}
