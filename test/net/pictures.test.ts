import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { encode } from 'jpeg-js'
import { afterAll, describe, expect, test } from 'vitest'
import { XgenError } from '../../src/base/errors.ts'
import { dataSet, type FolderSet } from '../../src/net/data/catalogue.ts'
import { openSplit } from '../../src/net/data/load.ts'
import { decodePicture, type Picture } from '../../src/net/data/picture.ts'
import { fitPicture, resize } from '../../src/net/data/resize.ts'
import { failure } from '../fixtures/failure.ts'

const directory = mkdtempSync(join(tmpdir(), 'xgen-pictures-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const colours = (width: number, height: number): Picture => ({
  width,
  height,
  pixels: Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 37 + (i >> 3)) & 255),
})

const ppm = ({ width, height, pixels }: Picture) =>
  Buffer.concat([Buffer.from(`P6\n# made here\n${width} ${height}\n255\n`), pixels])

function png(
  width: number,
  height: number,
  { depth, colour, interlace = 0 }: { depth: number; colour: number; interlace?: number },
  lines: Uint8Array,
  palette?: Uint8Array,
): Buffer {
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type), data])
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
    length.writeUInt32BE(data.length)
    sum.writeUInt32BE(crc32(body))
    return Buffer.concat([length, body, sum])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([depth, colour, 0, 0, interlace], 8)
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    ...(palette === undefined ? [] : [chunk('PLTE', palette)]),
    chunk('IDAT', deflateSync(lines)),
    chunk('IEND', new Uint8Array(0)),
  ])
}

/** Lines of 8-bit colour, each with its own filter, predicted as the standard says. */
function filtered({ width, height, pixels }: Picture, filters: readonly number[]): Uint8Array {
  const bytes = 3 * width
  const at = (y: number, i: number) => (y < 0 || i < 0 ? 0 : pixels[y * bytes + i]!)
  const lines: number[] = []
  for (let y = 0; y < height; y++) {
    const filter = filters[y % filters.length]!
    lines.push(filter)
    for (let i = 0; i < bytes; i++) {
      const [a, b, c] = [at(y, i - 3), at(y - 1, i), i < 3 ? 0 : at(y - 1, i - 3)]
      const p = a + b - c
      const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)]
      const paeth = pa <= pb && pa <= pc ? a : pb <= pc ? b : c
      lines.push((at(y, i) - [0, a, b, Math.floor((a + b) / 2), paeth][filter]!) & 255)
    }
  }
  return Uint8Array.from(lines)
}

describe('pictures', () => {
  test('PNG: every filter', () => {
    const picture = colours(7, 10)
    const file = png(7, 10, { depth: 8, colour: 2 }, filtered(picture, [0, 1, 2, 3, 4]))
    expect(decodePicture(file, 'f')).toEqual(picture)
    const first = png(7, 10, { depth: 8, colour: 2 }, filtered(picture, [4, 3]))
    expect(decodePicture(first, 'f')).toEqual(picture)
  })

  test('PNG: grey of 1, 8 and 16 bits, alpha, a palette', () => {
    const grey = (values: number[]) => values.flatMap((value) => [value, value, value])
    const pixels = (file: Buffer) => [...decodePicture(file, 'f').pixels]
    expect(pixels(png(3, 1, { depth: 1, colour: 0 }, Uint8Array.of(0, 0b10100000)))).toEqual(
      grey([255, 0, 255]),
    )
    expect(pixels(png(2, 1, { depth: 8, colour: 0 }, Uint8Array.of(0, 7, 9)))).toEqual(grey([7, 9]))
    expect(pixels(png(2, 1, { depth: 16, colour: 0 }, Uint8Array.of(0, 7, 200, 9, 1)))).toEqual(grey([7, 9]))
    expect(pixels(png(2, 1, { depth: 8, colour: 4 }, Uint8Array.of(0, 7, 1, 9, 2)))).toEqual(grey([7, 9]))
    expect(pixels(png(1, 1, { depth: 8, colour: 6 }, Uint8Array.of(0, 1, 2, 3, 4)))).toEqual([1, 2, 3])
    const palette = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9)
    expect(pixels(png(3, 1, { depth: 2, colour: 3 }, Uint8Array.of(0, 0b10010000), palette))).toEqual([
      7, 8, 9, 4, 5, 6, 1, 2, 3,
    ])
  })

  test('PPM and PGM', () => {
    const picture = colours(5, 3)
    expect(decodePicture(ppm(picture), 'f')).toEqual(picture)
    expect([...decodePicture(Buffer.from('P5 2 1 15 \x00\x0f', 'latin1'), 'f').pixels].length).toBe(6)
    expect([...decodePicture(Buffer.from('P5 2 1 15\n\x00\x0f', 'latin1'), 'f').pixels]).toEqual([
      0, 0, 0, 255, 255, 255,
    ])
  })

  test('JPEG: colours near those that were written', () => {
    const [width, height] = [24, 17]
    const data = Buffer.from(
      Array.from({ length: width * height }, (_, i) => {
        const [x, y] = [i % width, Math.floor(i / width)]
        return [8 * x, 12 * y, 120, 255]
      }).flat(),
    )
    const { pixels, ...size } = decodePicture(encode({ width, height, data }, 95).data, 'f')
    expect(size).toEqual({ width, height })
    for (let i = 0; i < width * height; i++)
      for (let c = 0; c < 3; c++) expect(Math.abs(pixels[3 * i + c]! - data[4 * i + c]!)).toBeLessThan(12)
  })

  test.each([
    ['no picture', Buffer.from('GIF89a'), 'is no picture that xgen reads'],
    [
      'a PNG of 2^31 lines',
      png(1, 2 ** 31 - 1, { depth: 8, colour: 0 }, Uint8Array.of(0)),
      'pixels; from 1 to 67108864',
    ],
    [
      'a PNG without pixels',
      png(2, 2, { depth: 8, colour: 0 }, Uint8Array.of(0)),
      'it has 1 bytes of pixels instead of 6',
    ],
    [
      'an interlaced PNG',
      png(1, 1, { depth: 8, colour: 0, interlace: 1 }, Uint8Array.of(0, 1)),
      'interlaced',
    ],
    ['a PNG of 3 bits', png(1, 1, { depth: 3, colour: 0 }, Uint8Array.of(0, 1)), 'colour type 0 with 3 bits'],
    ['a PNG with filter 5', png(1, 1, { depth: 8, colour: 0 }, Uint8Array.of(5, 1)), 'line 0 has filter 5'],
    ['a cut PPM', ppm(colours(4, 4)).subarray(0, 40), 'pixels need 48'],
    ['a PPM of 16 bits', Buffer.from('P6 1 1 65535 aaaaaa'), 'its values reach 65535'],
    ['a JPEG without a frame', Buffer.from([0xff, 0xd8, 0xff, 0xd9]), 'it has no frame'],
    [
      'a JPEG of 65535x65535',
      Buffer.from([0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0xff, 0xff, 0xff, 0xff, 3, 1, 0x22, 0]),
      'has 65535x65535 pixels',
    ],
  ])('%s is refused', (_, bytes, message) => {
    expect(failure(() => decodePicture(bytes, 'photo'))).toMatchObject({
      kind: 'data',
      where: 'photo',
      message: expect.stringContaining(message),
    })
  })

  test('changed bytes are a picture or an error that says so', () => {
    const picture = colours(9, 8)
    const data = Buffer.alloc(4 * 9 * 8, 100)
    const files = [
      png(9, 8, { depth: 8, colour: 2 }, filtered(picture, [0, 4])),
      ppm(picture),
      encode({ width: 9, height: 8, data }, 80).data,
    ]
    const change = fc.record({
      file: fc.constantFrom(...files),
      at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      byte: fc.integer({ min: 0, max: 255 }),
      cut: fc.boolean(),
    })
    fc.assert(
      fc.property(change, ({ file, at, byte, cut }) => {
        const bytes = Buffer.from(file)
        const place = Math.floor(at * bytes.length)
        bytes[place] = byte
        try {
          const { width, height, pixels } = decodePicture(cut ? bytes.subarray(0, place) : bytes, 'f')
          expect(pixels).toHaveLength(3 * width * height)
        } catch (error) {
          if (!(error instanceof XgenError)) throw error
          expect(error.kind).toBe('data')
        }
      }),
      { numRuns: 400, seed: 1 },
    )
  }, 60_000)
})

describe('scaling', () => {
  test('an even picture stays even, one of the right size stays as it is', () => {
    const even: Picture = { width: 30, height: 50, pixels: new Uint8Array(4500).fill(77) }
    for (const shape of [
      [3, 16, 16],
      [3, 64, 40],
      [3, 7, 90],
    ] as const)
      expect(new Set(fitPicture(even, shape))).toEqual(new Set([77]))
    const picture = colours(6, 4)
    const planes = fitPicture(picture, [3, 4, 6])
    expect([planes[0], planes[24], planes[48]]).toEqual([...picture.pixels.subarray(0, 3)])
    expect([...fitPicture({ width: 1, height: 1, pixels: Uint8Array.of(10, 20, 30) }, [1, 1, 1])]).toEqual([
      Math.round(0.299 * 10 + 0.587 * 20 + 0.114 * 30),
    ])
  })

  test('half the size: weights 1, 3, 3, 1 around each centre, by hand', () => {
    const values = [0, 80, 160, 240, 0, 80, 160, 240]
    const picture: Picture = {
      width: 8,
      height: 1,
      pixels: Uint8Array.from(values.flatMap((v) => [v, v, v])),
    }
    const across = [...resize(picture, 4, 1).pixels].filter((_, i) => i % 3 === 0)
    const expected = [0, 1, 2, 3].map((i) => {
      let [sum, weights] = [0, 0]
      for (const [offset, weight] of [1, 3, 3, 1].entries()) {
        const value = values[2 * i - 1 + offset]
        if (value === undefined) continue
        sum += weight * value
        weights += weight
      }
      return Math.floor(sum / weights + 0.5)
    })
    expect(across).toEqual(expected)
  })

  test('the middle is cut out', () => {
    const width = 64
    const pixels = Uint8Array.from({ length: 3 * 32 * width }, (_, i) => 2 * (Math.floor(i / 3) % width))
    const image = fitPicture({ width, height: 32, pixels }, [1, 28, 28])
    const line = [...image.subarray(0, 28)]
    // 32 lines become 32 of 256/224 times 28: nothing is scaled, 18 columns are left out on each side
    expect(line).toEqual(Array.from({ length: 28 }, (_, x) => 2 * (18 + x)))
  })
})

describe('directories of pictures', () => {
  const place = (files: Readonly<Record<string, Uint8Array | string>>) => {
    const root = mkdtempSync(join(directory, 'set-'))
    for (const [name, contents] of Object.entries(files)) {
      mkdirSync(dirname(join(root, name)), { recursive: true })
      writeFileSync(join(root, name), contents)
    }
    return root
  }
  const grey = (value: number) => ppm({ width: 2, height: 2, pixels: new Uint8Array(12).fill(value) })
  const shape = [3, 2, 2] as const

  test('folder:PATH: classes by name; val is the test set, every 20th of train the validation', () => {
    const train = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [`train/cat/${String(i).padStart(2, '0')}.ppm`, grey(i)]),
    )
    const root = place({
      ...train,
      'train/dog/0.ppm': grey(99),
      'val/cat/a.ppm': grey(1),
      'val/dog/b.PPM': grey(2),
      'val/dog/notes.txt': 'x',
    })
    const set = dataSet(`folder:${root}`)
    const splits = (['test', 'train', 'validation'] as const).map((split) => openSplit(set, split, { shape }))
    expect(splits.map(({ count }) => count)).toEqual([2, 39, 2])
    expect(splits[0]!.classes).toEqual(['cat', 'dog'])
    const tested = splits[0]!.read(0, 2)
    expect([[...tested.labels], [...tested.images.subarray(0, 1)], tested.images.at(-1)]).toEqual([
      [0, 1],
      [1],
      2,
    ])
    expect(splits[2]!.read(0, 2).images[0]).toBe(19)
    // one of each class after the other
    expect([...splits[1]!.read(0, 4).labels]).toEqual([0, 1, 0, 0])
  })

  test('classes without splits are a test set', () => {
    const root = place({ 'a/1.ppm': grey(1), 'b/1.ppm': grey(2), 'b/2.ppm': grey(2) })
    const set = dataSet(`folder:${root}`)
    expect(openSplit(set, 'test', { shape }).count).toBe(3)
    expect(failure(() => openSplit(set, 'train', { shape })).message).toBe('there are no pictures for train')
  })

  test('tiny ImageNet: a table names the classes of the test pictures', () => {
    const tiny = dataSet('tiny-imagenet') as FolderSet
    const names = Array.from({ length: 200 }, (_, i) => `n${String(i).padStart(8, '0')}`)
    const root = place({
      'tiny-imagenet-200/wnids.txt': [...names].reverse().join('\n'),
      'tiny-imagenet-200/val/val_annotations.txt': `val_0.JPEG\t${names[7]}\t0\t0\t62\t57\nval_1.JPEG\t${names[150]}\t0\t0\t1\t1\n`,
      'tiny-imagenet-200/val/images/val_0.JPEG': grey(5),
      'tiny-imagenet-200/val/images/val_1.JPEG': grey(6),
    })
    const source = openSplit(tiny, 'test', { directory: root, shape })
    expect([source.count, [...source.read(0, 2).labels], source.classes[7]]).toEqual([2, [7, 150], names[7]])
    writeFileSync(join(root, 'tiny-imagenet-200/val/val_annotations.txt'), `../../x.JPEG\t${names[7]}\n`)
    expect(failure(() => openSplit(tiny, 'test', { directory: root, shape })).message).toContain(
      'names no picture',
    )
  })

  test('what does not fit is told', () => {
    expect(failure(() => dataSet('folder:/no/such/place'))).toMatchObject({
      kind: 'data',
      message: 'there is no such directory of pictures',
      where: 'folder:/no/such/place',
    })
    expect(failure(() => dataSet(`folder:${place({ 'a/1.ppm': grey(1) })}`)).message).toContain(
      'holds 1 directories',
    )
    const imageNet = dataSet('imagenet')
    const at = place({ 'imagenet/val/n00000001/1.ppm': grey(1) })
    expect(failure(() => openSplit(imageNet, 'test', { directory: at, shape })).message).toBe(
      'has 1 directories of classes; imagenet has 1000',
    )
    expect(failure(() => openSplit(imageNet, 'test', { directory: at, shape: [8, 2, 2] })).message).toContain(
      '8 channels',
    )
    expect(failure(() => openSplit(imageNet, 'test', { directory: place({}), shape })).hint).toContain(
      'image-net.org',
    )
  })
})
