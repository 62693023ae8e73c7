import type { Archive, DataFile, RecordSet } from '../catalogue.ts'

const source = 'A. Krizhevsky 2009'

const shape = [3, 32, 32] as const

/** Digest and size as the author's page and TensorFlow Datasets give them. */
const archive = (name: string, bytes: number, digest: string): Archive => ({
  url: `https://www.cs.toronto.edu/~kriz/${name}.tar.gz`,
  format: 'tar.gz',
  published: { bytes, algorithm: 'md5', digest },
  strip: 1,
  keep: /^[a-z_0-9]+\.(bin|txt)$/,
  mostFiles: 16,
  mostBytes: 2 ** 28,
})

const batch = (name: string, sha256: string): DataFile => ({ name: `${name}.bin`, bytes: 30_730_000, sha256 })

/** A label and 32x32 pixels in planes of red, green and blue. */
export const cifar10: RecordSet = {
  kind: 'records',
  name: 'cifar-10',
  summary: '60,000 photographs of 10 kinds, 32x32 in colour',
  shape,
  classes: ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'],
  directory: 'cifar-10-batches-bin',
  archive: archive('cifar-10-binary', 170_052_171, 'c32a1d4ab5d03f1284b67883e8d87530'),
  labels: { bytes: 1, at: 0 },
  train: [
    batch('data_batch_1', 'cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5'),
    batch('data_batch_2', 'a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed'),
    batch('data_batch_3', 'bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67'),
    batch('data_batch_4', '014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48'),
    batch('data_batch_5', '755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add'),
  ],
  test: [batch('test_batch', '8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b')],
  validation: 5000,
  source,
}

/** A coarse label, a fine one, which is taken, and the pixels. No digests of the files in the archive are published. */
export const cifar100: RecordSet = {
  kind: 'records',
  name: 'cifar-100',
  summary: '60,000 photographs of 100 kinds, 32x32 in colour',
  shape,
  classes: 100,
  directory: 'cifar-100-binary',
  archive: archive('cifar-100-binary', 168_513_733, '03b5dce01913d631647c71ecec9e9cb8'),
  labels: { bytes: 2, at: 1 },
  train: [{ name: 'train.bin', bytes: 153_700_000 }],
  test: [{ name: 'test.bin', bytes: 30_740_000 }],
  validation: 5000,
  source,
}
