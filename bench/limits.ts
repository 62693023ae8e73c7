/**
 * Products a cycle that a core could do at most in each way of computing, by its loads (three a cycle) and its operations on vectors
 * (three, of which two multiply): that is a present-day x86 core (Golden Cove; Zen 4 is near). Columns, stores and all waiting are
 * left out, so that nothing reaches it.
 */
export const productsPerCycle = {
  /** Two codes and a product are loaded for each. */
  table: 1,
  /** For 64: eight places, eight rows and two vectors of sums are loaded. */
  rows: 64 / 6,
  /** For 64: eight vectors are interleaved by pairs, widened and added by eight products with ones, and summed up: 24 operations. */
  wideRows: 64 / (24 / 3),
  /** For 64: eight multiplications of 128 bits that add neighbours, and eight additions. */
  dot: 64 / (16 / 3),
  /** The same for kernels of three rows by minimal filtering, which takes half of the products; its transforms are left out. */
  filteredDot: (2 * 64) / (16 / 3),
  /** For 32: two vectors of 512 bits are loaded and widened to 16 bits, multiplied and added, and two such operations fit a cycle. */
  vectorised: 32 / 2,
} as const

export type Way = keyof typeof productsPerCycle

/** GMAC/s of so many cores. */
export const limitOf = (way: Way, gigahertz: number, threads: number) =>
  productsPerCycle[way] * gigahertz * threads
