import { awayFromZero, type CodeScale, codeLimits, codeScale, type Site, textSetting } from './site.ts'

/** Smallest and largest real value that an activation leaves. */
const realRanges: Readonly<Record<string, readonly [low: number, high: number]>> = {
  '': [-Infinity, Infinity],
  NONE: [-Infinity, Infinity],
  RELU: [0, Infinity],
  RELU_N1_TO_1: [-1, 1],
  RELU6: [0, 6],
}

/** The real values that a fused activation leaves. */
export function realRange(
  site: Site,
  activation = textSetting(site, 'activation'),
): readonly [number, number] {
  const range = realRanges[activation]
  if (range === undefined) throw site.refuse(`has the fused activation ${activation}, which is not supported`)
  return range
}

/** The codes that a fused activation leaves: its bounds divided by the scale in float32, rounded half away from zero. */
export function codeClamp(
  site: Site,
  { scale, zeroPoint }: CodeScale = codeScale(site, site.output),
  activation?: string,
): readonly [low: number, high: number] {
  const [low, high] = realRange(site, activation)
  const code = (real: number) => zeroPoint + awayFromZero(Math.fround(real / scale))
  const [least, most] = codeLimits(site.output.type)
  return [Math.max(least, code(low)), Math.min(most, code(high))]
}
