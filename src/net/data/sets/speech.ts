import type { ClipSet, RecordingSet } from '../catalogue.ts'
import { keywordFrontEnd } from '../mfcc.ts'

const digits = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']

const keywords = ['down', 'go', 'left', 'no', 'off', 'on', 'right', 'stop', 'up', 'yes', 'silence', 'unknown'] // prettier-ignore

const shape = [1, 49, 10] as const

/** 50 takes of each digit by each of six speakers. GitHub makes the archive anew, so that it has no fixed digest. */
export const spokenDigits: RecordingSet = {
  kind: 'recordings',
  name: 'spoken-digits',
  summary: '3,000 spoken digits of 6 speakers, 8 kHz: 49 frames of 10 MFCCs',
  shape,
  classes: digits,
  directory: 'free-spoken-digit-dataset',
  layout: 'digits',
  archive: {
    url: 'https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.tar.gz',
    format: 'tar.gz',
    strip: 1,
    keep: /^(recordings\/\d_[a-z]+_\d{1,2}\.wav|README\.md)$/,
    mostFiles: 10_000,
    mostBytes: 2 ** 28,
  },
  frontEnd: keywordFrontEnd(8000),
  counts: { train: 2400, validation: 300, test: 300 },
  source: 'Free Spoken Digit Dataset, CC BY-SA 4.0',
}

/** Ten keywords, silence and other words (Warden 2018), in the order of MLPerf Tiny. */
export const speechCommands: RecordingSet = {
  kind: 'recordings',
  name: 'speech-commands',
  summary: 'keywords among 105,829 spoken words, 16 kHz: 49 frames of 10 MFCCs',
  shape,
  classes: keywords,
  directory: 'speech_commands_v0.02',
  layout: 'commands',
  archive: {
    url: 'http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz',
    format: 'tar.gz',
    published: {
      bytes: 2_428_923_189,
      algorithm: 'sha256',
      digest: 'af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58',
    },
    strip: 0,
    keep: /^([a-z]+\/[0-9a-f]{8}_nohash_\d+\.wav|_background_noise_\/[a-z_0-9]+\.wav|(validation|testing)_list\.txt)$/,
    mostFiles: 200_000,
    mostBytes: 2 ** 32,
  },
  frontEnd: keywordFrontEnd(16_000),
  source: 'P. Warden 2018, CC BY 4.0',
}

/** Clips of Speech Commands as MLPerf Tiny's performance runner sends them to its DS-CNN: codes of that network's input. */
export const keywordClips: ClipSet = {
  kind: 'clips',
  name: 'keyword-spotting',
  summary: '500 keywords as int8 codes: 49 frames of 10 MFCCs',
  shape,
  classes: keywords,
  directory: 'keyword-spotting',
  count: 500,
  images: {
    name: 'kws01-first500.x.i8.bin',
    bytes: 245_000,
    sha256: '77ddaab78277c8078642975d2835095c622245b73218c65b9029b7ccbb775ba2',
  },
  labels: {
    name: 'kws01-first500.y.u8.bin',
    bytes: 500,
    sha256: 'b507aab3eef3a1731e724bcd90bd8cfbdca8de97096a10a8f0116c39b74eefae',
  },
  scale: 0.584_702_908_992_767_3,
  zeroPoint: 83,
  home: 'https://github.com/eembc/energyrunner',
  source: 'Speech Commands, CC BY 4.0; EEMBC',
}
