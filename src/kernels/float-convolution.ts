import { type ConvolutionShape, jobWords, shapeWords } from './convolution.ts'
import { floatsAt, hold, wordsAt } from './memory.ts'
import { type PieceLimits, piecesOf } from './pieces.ts'
import { runPieces, threadsFor } from './threads.ts'

/** src/kernels/assembly/float.ts and job.ts */
const filtersOfTile = 4
const floats = 4
/** Values of a piece for all taps: they stay in the second cache. */
const valuesOfPiece = 2 ** 16
const mostPositions = 2048
/** A product takes as long as so many of codes. */
const productsOfCodes = 2

/**
 * A convolution of float32 values [image][channel][row][column], from one address in kernel memory to another, with zeros around the
 * map. Weights are [filter][channel of its group][row][column]; they are copied. Sums are of float32, in the order of the weights, and
 * the bias is added last.
 */
export function createFloatConvolution(shape: ConvolutionShape, weights: Float32Array, bias: Float32Array) {
  const { filters, groups } = shape
  const taps = weights.length / filters
  const holder = {}
  const packed = packWeights(weights, filters / groups, groups, taps)
  const factors = hold(holder, 4 * packed.length)
  floatsAt(factors, packed.length).set(packed)
  const biasAt = hold(holder, 4 * filters)
  floatsAt(biasAt, filters).set(bias)
  const jobAt = hold(holder, 4 * jobWords.length)
  const job = { ...shapeWords(shape), factors, bias: biasAt, finish: floats }
  const convolve = (input: number, output: number, images: number): void => {
    const products = images * shape.rows * shape.columns * weights.length
    const threads = threadsFor(products * productsOfCodes)
    const pieces = piecesOf(shape, limits(taps), images, threads)
    const all: Record<string, number> = { ...job, ...pieces.words, input, output, images }
    wordsAt(jobAt, jobWords.length).set(jobWords.map((name) => all[name] ?? 0))
    runPieces('convolveFloat', jobAt, pieces.count, pieces.scratch, threads)
  }
  // whoever has the function keeps its memory
  return { run: Object.assign(convolve, { holder }) }
}

function limits(taps: number): PieceLimits {
  const fit = 8 * Math.floor(valuesOfPiece / (8 * taps))
  return {
    positions: Math.max(8, Math.min(mostPositions, fit)),
    filters: Number.POSITIVE_INFINITY,
    least: { positions: 64, filters: 16 },
    tile: [1, 1],
    planes: 1,
    element: 4,
    scratch: (positions) => (taps + filtersOfTile) * (4 * positions + 64) + 128,
  }
}

/** [group][tile][tap][filter of the tile]; filters that are missing have weights of 0. */
function packWeights(weights: Float32Array, filters: number, groups: number, taps: number): Float32Array {
  const tiles = Math.ceil(filters / filtersOfTile)
  const packed = new Float32Array(groups * tiles * taps * filtersOfTile)
  for (let n = 0; n < filters * groups; n++) {
    const [group, inGroup] = [Math.floor(n / filters), n % filters]
    const tile = group * tiles + Math.floor(inGroup / filtersOfTile)
    const to = tile * taps * filtersOfTile + (inGroup % filtersOfTile)
    for (let k = 0; k < taps; k++) packed[to + k * filtersOfTile] = weights[n * taps + k]!
  }
  return packed
}
