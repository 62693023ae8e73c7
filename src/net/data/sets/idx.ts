import type { DataFile, IdxSet } from '../catalogue.ts'

const idx = (name: string, bytes: number, sha256: string): DataFile => ({
  name: `${name}-ubyte.gz`,
  bytes,
  sha256,
})

const trainImages = 47_040_016
const trainLabels = 60_008
const testImages = 7_840_016
const testLabels = 10_008

export const mnist: IdxSet = {
  kind: 'idx',
  name: 'mnist',
  summary: '70,000 handwritten digits, 28x28',
  shape: [1, 28, 28],
  classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  url: 'https://ossci-datasets.s3.amazonaws.com/mnist/',
  train: {
    images: idx(
      'train-images-idx3',
      trainImages,
      'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
    ),
    labels: idx(
      'train-labels-idx1',
      trainLabels,
      '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
    ),
    count: 60_000,
  },
  test: {
    images: idx(
      't10k-images-idx3',
      testImages,
      '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
    ),
    labels: idx(
      't10k-labels-idx1',
      testLabels,
      'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
    ),
    count: 10_000,
  },
  validation: 5000,
  source: 'Y. LeCun, C. Cortes, C. Burges',
}

export const fashionMnist: IdxSet = {
  kind: 'idx',
  name: 'fashion-mnist',
  summary: '70,000 pieces of clothing, 28x28',
  shape: [1, 28, 28],
  classes: [
    'T-shirt/top',
    'Trouser',
    'Pullover',
    'Dress',
    'Coat',
    'Sandal',
    'Shirt',
    'Sneaker',
    'Bag',
    'Ankle boot',
  ],
  url: 'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/',
  train: {
    images: idx(
      'train-images-idx3',
      trainImages,
      'c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888',
    ),
    labels: idx(
      'train-labels-idx1',
      trainLabels,
      'bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9',
    ),
    count: 60_000,
  },
  test: {
    images: idx(
      't10k-images-idx3',
      testImages,
      '5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b',
    ),
    labels: idx(
      't10k-labels-idx1',
      testLabels,
      '0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34',
    ),
    count: 10_000,
  },
  validation: 5000,
  source: 'Zalando Research, MIT licence',
}
