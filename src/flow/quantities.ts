import { usageError } from '../base/errors.ts'
import { didYouMean } from '../base/suggest.ts'

/** What designs are compared by: the less, the better; of the bias, its magnitude. */
export const quantities = ['mae', 'wce', 'ep', 'mred', 'bias', 'mse', 'area', 'delay', 'energy'] as const
export type Quantity = (typeof quantities)[number]

/** Those that a cell library decides; the others are errors. */
const costs: ReadonlySet<Quantity> = new Set(['area', 'delay', 'energy'])
export const isCost = (quantity: Quantity): boolean => costs.has(quantity)

/** The figures that quantities are read from. */
export type Measured = Readonly<Record<Exclude<Quantity, 'energy'>, number>> & {
  readonly energy: number | null
}

export const figureOf = (design: Measured, quantity: Quantity): number =>
  quantity === 'bias' ? Math.abs(design.bias) : (design[quantity] ?? Infinity)

const option = '--pareto'

/** Two quantities, as in `mred,energy`. Without a text: the relative error, and what of energy and area the library knows. */
export function parseQuantities(
  text: string | undefined,
  library: { readonly name: string; readonly hasEnergy: boolean },
): readonly [Quantity, Quantity] {
  if (text === undefined) return ['mred', library.hasEnergy ? 'energy' : 'area']
  const names = text.split(',').map((name) => name.trim())
  if (names.length !== 2 || names[0] === names[1])
    throw usageError(`"${text}" are not two quantities`, {
      where: option,
      hint: `For example: ${option} mred,energy. Possible: ${quantities.join(', ')}.`,
    })
  const [x, y] = names.map(quantityOf) as [Quantity, Quantity]
  if ((x === 'energy' || y === 'energy') && !library.hasEnergy)
    throw usageError(`the library ${library.name} knows no energies`, {
      where: option,
      hint: 'Compare by area (--pareto mred,area), or name a library that has them: --lib osu018, or sg13g2.',
    })
  return [x, y]
}

function quantityOf(name: string): Quantity {
  const found = quantities.find((quantity) => quantity === name)
  if (found !== undefined) return found
  throw usageError(`"${name}" is no quantity.${didYouMean(name, quantities)}`, {
    where: option,
    hint: `Possible: ${quantities.join(', ')}.`,
  })
}
