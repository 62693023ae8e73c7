import type { FolderSet } from '../catalogue.ts'

/** 200 classes of 500 training pictures; the 10,000 of `val` are the test set, since the labels of the own one are not published. */
export const tinyImageNet: FolderSet = {
  kind: 'folders',
  name: 'tiny-imagenet',
  summary: '110,000 photographs of 200 kinds, 64x64 in colour',
  classes: 200,
  directory: 'tiny-imagenet-200',
  layout: 'tiny',
  archive: {
    url: 'http://cs231n.stanford.edu/tiny-imagenet-200.zip',
    format: 'zip',
    published: { bytes: 248_100_043, algorithm: 'md5', digest: '90528d7ca1a48142e341f4ef8d21d0de' },
    strip: 1,
    keep: /^(train\/n\d{8}\/images\/n\d{8}_\d+\.JPEG|val\/images\/val_\d+\.JPEG|val\/val_annotations\.txt|wnids\.txt|words\.txt)$/,
    mostFiles: 130_000,
    mostBytes: 2 ** 29,
  },
  home: 'http://cs231n.stanford.edu/tiny-imagenet-200.zip',
  validationOf: 20,
  counts: { train: 95_000, validation: 5000, test: 10_000 },
  source: 'Stanford CS231n, from ImageNet',
}

/** ILSVRC 2012 as its tools unpack it: `train/<class>/*.JPEG` and `val/<class>/*.JPEG`; the latter is the test set. */
export const imageNet: FolderSet = {
  kind: 'folders',
  name: 'imagenet',
  summary: 'ILSVRC 2012: 1.33 million photographs of 1,000 kinds',
  classes: 1000,
  directory: 'imagenet',
  layout: 'plain',
  home: 'https://image-net.org/download.php (by agreement)',
  validationOf: 20,
  source: 'Russakovsky et al. 2015',
}
