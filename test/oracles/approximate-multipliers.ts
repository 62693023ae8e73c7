// The approximate families a second time, by their formulas on plain numbers, digit by digit and cell by cell. Slow, and of no gates.

/** Bits of the operands and whether they are two's complement. */
export interface Operands {
  readonly nA: number
  readonly signedA: boolean
  readonly nB: number
  readonly signedB: boolean
}

type Parameters = Readonly<Record<string, number>>
type Definition = (a: number, b: number, parameters: Parameters, operands: Operands) => number

const bitOf = (x: number, i: number) => Math.floor(x / 2 ** i) % 2
/** The bits of a value's two's complement code, lowest first. */
const codeBits = (x: number, n: number) =>
  Array.from({ length: n }, (_, i) => bitOf(x < 0 ? x + 2 ** n : x, i))
const leadingOne = (x: number) => x.toString(2).length - 1
const cut = (x: number, bits: number) => Math.floor(x / 2 ** bits) * 2 ** bits

/** A product of magnitudes, with the sign of the exact one. */
const signed =
  (product: Definition): Definition =>
  (a, b, parameters, operands) => {
    const magnitude = product(Math.abs(a), Math.abs(b), parameters, operands)
    return a < 0 !== b < 0 ? 0 - magnitude : magnitude
  }

function rad(a: number, b: number, { k }: Parameters): number {
  let y = ((b % 2 ** k!) + 2 ** k!) % 2 ** k!
  if (y >= 2 ** (k! - 1)) y -= 2 ** k!
  const size = Math.abs(y)
  const rounded =
    size < 2 ** (k! - 5)
      ? 0
      : size < 2 ** (k! - 5) + 2 ** (k! - 4)
        ? 2 ** (k! - 4)
        : size < 2 ** (k! - 4) + 2 ** (k! - 3)
          ? 2 ** (k! - 3)
          : size < 2 ** (k! - 3) + 2 ** (k! - 2)
            ? 2 ** (k! - 2)
            : 2 ** (k! - 1)
  return a * (b - y + (y < 0 ? -rounded : rounded))
}

function perforate(a: number, b: number, { j, k }: Parameters, { nB }: Operands): number {
  let sum = 0
  for (let row = 0; row < nB; row++) if (row < j! || row >= j! + k!) sum += a * bitOf(b, row) * 2 ** row
  return sum
}

function bam(a: number, b: number, { h, v }: Parameters, { nA, signedA, nB, signedB }: Operands): number {
  const [x, y] = [codeBits(a, nA), codeBits(b, nB)]
  let sum = 0
  for (let i = 0; i < nA; i++) {
    for (let j = 0; j < nB; j++) {
      if (i < h! || i + j < v!) continue
      const tops = (signedA && i === nA - 1 ? 1 : 0) + (signedB && j === nB - 1 ? 1 : 0)
      sum += x[i]! * y[j]! * 2 ** (i + j) * (tops === 1 ? -1 : 1)
    }
  }
  return sum
}

function udm(a: number, b: number): number {
  if (a < 4 && b < 4) return a === 3 && b === 3 ? 7 : a * b
  const [a1, a0, b1, b0] = [Math.floor(a / 4), a % 4, Math.floor(b / 4), b % 4]
  return 16 * udm(a1, b1) + 4 * (udm(a1, b0) + udm(a0, b1)) + udm(a0, b0)
}

function drum(x: number, k: number): number {
  const t = leadingOne(x)
  if (x === 0 || t < k) return x
  let kept = 2 ** (t - k + 1)
  for (let i = t - k + 2; i <= t; i++) kept += bitOf(x, i) * 2 ** i
  return kept
}

function ssm(x: number, m: number, n: number): number {
  if (n <= m) return x
  return Math.floor(x / 2 ** m) !== 0 ? cut(x, n - m) : x
}

function essm(x: number, m: number, n: number): number {
  if (n <= m) return x
  for (const start of [0, Math.floor((n - m) / 2), n - m]) if (x < 2 ** (start + m)) return cut(x, start)
  throw new Error('no segment holds the leading one')
}

const dsm = (x: number, m: number) => (x < 2 ** m ? x : cut(x, leadingOne(x) - m + 1))

/** k and x of an operand 2^k (1 + x). */
function logarithm(operand: number): readonly [k: number, x: number] {
  const k = leadingOne(operand)
  return [k, operand / 2 ** k - 1]
}

function mitchell(a: number, b: number, correction: number): number {
  if (a === 0 || b === 0) return 0
  const [k1, x1] = logarithm(a)
  const [k2, x2] = logarithm(b)
  return Math.floor(
    x1 + x2 < 1
      ? 2 ** (k1 + k2) * (1 + x1 + x2 + correction)
      : 2 ** (k1 + k2 + 1) * (x1 + x2 + correction / 2),
  )
}

function almSoa(a: number, b: number, { w }: Parameters, { nA, nB }: Operands): number {
  if (a === 0 || b === 0) return 0
  const bits = Math.max(nA, nB) - 1
  const [k1, x1] = logarithm(a)
  const [k2, x2] = logarithm(b)
  const [f1, f2] = [x1 * 2 ** bits, x2 * 2 ** bits]
  const carryIn = bitOf(f1, w! - 1) === 1 && bitOf(f2, w! - 1) === 1 ? 1 : 0
  const sum = (Math.floor(f1 / 2 ** w!) + Math.floor(f2 / 2 ** w!) + carryIn) * 2 ** w! + 2 ** w! - 1
  const [carry, fraction] = [Math.floor(sum / 2 ** bits), (sum % 2 ** bits) / 2 ** bits]
  return Math.floor(2 ** (k1 + k2 + carry) * (1 + fraction))
}

function nearest(x: number): number {
  if (x === 0) return 0
  if (x === 3) return 2
  const power = 2 ** leadingOne(x)
  return x >= (3 * power) / 2 ? 2 * power : power
}

const roba = (a: number, b: number) => nearest(a) * b + nearest(b) * a - nearest(a) * nearest(b)

function tosam(a: number, b: number, { h, t }: Parameters): number {
  if (a === 0 || b === 0) return 0
  const [k1, y1] = logarithm(a)
  const [k2, y2] = logarithm(b)
  const head = (y: number, bits: number) => Math.floor(y * 2 ** bits) / 2 ** bits
  const half = 2 ** -(h! + 1)
  return Math.floor(
    2 ** (k1 + k2) * (1 + head(y1, t!) + head(y2, t!) + (head(y1, h!) + half) * (head(y2, h!) + half)),
  )
}

/** Momeni's compressors in a tree of stages that leave 8, 4 and 2 bits a column, as xgen's documentation describes it. */
function compressor(a: number, b: number, { design, columns }: Parameters, { nA, nB }: Operands): number {
  // more columns than the product needs: a carry out of those would show
  const width = nA + nB + 2
  let tree = Array.from({ length: width }, (): number[] => [])
  for (let j = 0; j < nB; j++) for (let i = 0; i < nA; i++) tree[i + j]!.push(bitOf(a, i) * bitOf(b, j))
  const height = Math.max(...tree.map((column) => column.length))
  for (let limit = height > 8 ? 8 : height > 4 ? 4 : 2; height > 2; limit /= 2) {
    tree = compressStage(tree, limit, design!, columns!)
    if (limit === 2) break
  }
  return tree.reduce((sum, column, i) => sum + column.reduce((x, y) => x + y, 0) * 2 ** i, 0)
}

function compressStage(tree: readonly (readonly number[])[], limit: number, design: number, below: number) {
  const out = tree.map((column) => [...column, Number.NaN].slice(0, column.length))
  const chains = tree.map((): number[] => [])
  for (let i = 0; i < out.length; i++) {
    const [column, chain] = [out[i]!, chains[i]!]
    const next = (bit: number, list = out) => list[i + 1]?.push(bit)
    for (
      let excess = column.length + chain.length - limit;
      excess > 0;
      excess = column.length + chain.length - limit
    ) {
      const pop = () => (column.length > 0 ? column.shift()! : chain.shift()!)
      if (excess >= 3 && column.length >= 4 && i < below) {
        const [x1, x2, x3, x4] = [pop(), pop(), pop(), pop()]
        const carry = x1 + x2 > 0 && x3 + x4 > 0 ? 1 : 0
        const sum = x1 === x2 || x3 === x4 ? 1 : 0
        const carryIn = design === 1 ? chain.shift() : undefined
        column.push(carryIn === 1 ? 0 : sum)
        next(carry, design === 1 ? chains : out)
        if (carryIn !== undefined) next(carryIn)
      } else {
        const total = excess === 1 ? pop() + pop() : pop() + pop() + pop()
        column.push(total % 2)
        next(total > 1 ? 1 : 0)
      }
    }
    column.push(...chain)
  }
  return out
}

function etm(a: number, b: number, { s }: Parameters): number {
  const unit = 2 ** s!
  const [highA, lowA, highB, lowB] = [Math.floor(a / unit), a % unit, Math.floor(b / unit), b % unit]
  if (highA === 0 && highB === 0) return lowA * lowB
  const either = lowA | lowB
  const low = either === 0 ? 0 : 2 ** (leadingOne(either) + 1 + s!) - 1
  return highA * highB * unit ** 2 + low
}

function r4abm1(a: number, b: number, { p }: Parameters, { nA, signedA, nB }: Operands): number {
  const digits = { exact: [0, 1, 1, 2, -2, -1, -1, 0], approximate: [0, 1, 1, 0, 0, -1, -1, 0] }
  const bits = signedA ? nA + 1 : nA + 2
  const code = codeBits(b, nB)
  const b2 = (i: number) => (i < 0 ? 0 : code[Math.min(i, nB - 1)]!)
  let sum = 0
  for (let j = 0; 2 * j < nB; j++) {
    const triple = 4 * b2(2 * j + 1) + 2 * b2(2 * j) + b2(2 * j - 1)
    // a negative digit: the bits of its size times A inverted, and 1 to correct it
    const row = (digit: number) => codeBits(digit < 0 ? digit * a - 1 : digit * a, bits)
    const [exact, approximate] = [row(digits.exact[triple]!), row(digits.approximate[triple]!)]
    for (let i = 0; i < bits; i++) {
      const bit = 2 * j + i < p! ? approximate[i]! : exact[i]!
      sum += bit * 2 ** (2 * j + i) * (i === bits - 1 ? -1 : 1)
    }
    if (digits.exact[triple]! < 0) sum += 4 ** j
  }
  return sum
}

const definitions: Readonly<Record<string, Definition>> = {
  rad,
  perforate: signed(perforate),
  bam,
  udm: signed(udm),
  drum: signed((a, b, { k }) => drum(a, k!) * drum(b, k!)),
  ssm: signed((a, b, { m }, { nA, nB }) => ssm(a, m!, nA) * ssm(b, m!, nB)),
  essm: signed((a, b, { m }, { nA, nB }) => essm(a, m!, nA) * essm(b, m!, nB)),
  dsm: signed((a, b, { m }) => dsm(a, m!) * dsm(b, m!)),
  mitchell: signed((a, b) => mitchell(a, b, 0)),
  'alm-soa': signed(almSoa),
  mbm: signed((a, b) => mitchell(a, b, 0.078125)),
  roba: signed(roba),
  tosam: signed(tosam),
  compressor: signed(compressor),
  etm: signed(etm),
  r4abm1,
}

/** The families that stand here. */
export const approximateFamilies: readonly string[] = Object.keys(definitions)

/** The product of a multiplier by its spec, such as `drum:k=4`. */
export function approximateProduct(spec: string, operands: Operands, a: number, b: number): number {
  const [family = '', text = ''] = spec.split(':')
  const parameters: Record<string, number> = { columns: operands.nA + operands.nB }
  for (const [, key, value] of text.matchAll(/(\w+)=(\d+)/g)) parameters[key!] = Number(value)
  if (text.includes('zeroGate=yes') && (a === 0 || b === 0)) return 0
  return definitions[family]!(a, b, parameters, operands) + 0
}
