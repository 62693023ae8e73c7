import { pairSetting, type Site, textSetting } from './site.ts'

/** Where the windows of a convolution or pooling lie. */
export interface Window {
  readonly kernel: readonly [height: number, width: number]
  readonly stride: readonly [vertical: number, horizontal: number]
  readonly dilation: readonly [vertical: number, horizontal: number]
  readonly padding: readonly [top: number, left: number, bottom: number, right: number]
  /** Rows and columns of the result. */
  readonly rows: number
  readonly columns: number
}

/**
 * SAME: as many results as strides fit, the padding halved, the odd part of it below and right. VALID: windows inside the map only.
 */
export function windowOf(
  site: Site,
  [height, width]: readonly [number, number],
  kernel: readonly [number, number],
): Window {
  const stride = pairSetting(site, 'strides')
  const dilation = pairSetting(site, 'dilations')
  const same = textSetting(site, 'padding') === 'SAME'
  const [rows, top, bottom] = extent(height, kernel[0], stride[0], dilation[0], same)
  const [columns, left, right] = extent(width, kernel[1], stride[1], dilation[1], same)
  if (rows < 1 || columns < 1)
    throw site.refuse(`has windows of ${kernel.join('x')} that do not fit in a map of ${height}x${width}`)
  return { kernel, stride, dilation, padding: [top, left, bottom, right], rows, columns }
}

function extent(size: number, kernel: number, stride: number, dilation: number, same: boolean) {
  const reach = (kernel - 1) * dilation + 1
  const count = same ? Math.ceil(size / stride) : Math.ceil((size - reach + 1) / stride)
  const padding = same ? Math.max(0, (count - 1) * stride + reach - size) : 0
  const before = Math.floor(padding / 2)
  return [count, before, padding - before] as const
}
