import assert from 'node:assert/strict'
import { test } from 'node:test'
import { queriedFiles, stoppedFiles } from './answers.ts'
import type { ListedFile } from './recorded-files.ts'

const PLAYLIST: ListedFile = {
  fileName: 'a/sid_room.m3u8',
  trackType: 'audio_and_video',
  uid: '0',
  mixedAllUser: true,
  isPlayable: true,
  sliceStartTime: 1_562_724_971_626,
}

test('of playlists of mixed recordings alone only the name is told', () => {
  const form = { mode: 'mix', fileTypes: ['hls'] } as const
  assert.deepEqual(queriedFiles(form, { status: 5, files: [PLAYLIST] }), {
    status: 5,
    fileListMode: 'string',
    fileList: 'a/sid_room.m3u8',
    sliceStartTime: 1_562_724_971_626,
  })
  assert.deepEqual(queriedFiles(form, { status: 4, files: [] }), {
    status: 4,
    fileListMode: 'string',
    fileList: '',
    sliceStartTime: 0,
  })
  assert.deepEqual(stoppedFiles(form, { files: [PLAYLIST], hasFailed: false }), {
    serverResponse: { fileListMode: 'string', fileList: 'a/sid_room.m3u8', uploadingStatus: 'uploaded' },
  })
})

test('of all others there is a list, and a file that failed is not called uploaded', () => {
  const files = [PLAYLIST, { ...PLAYLIST, fileName: 'a/sid_room_0.mp4', sliceStartTime: 1_562_724_971_000 }]
  for (const form of [
    { mode: 'mix', fileTypes: ['hls', 'mp4'] },
    { mode: 'individual', fileTypes: ['hls'] },
  ] as const) {
    assert.deepEqual(queriedFiles(form, { status: 5, files }), {
      status: 5,
      fileListMode: 'json',
      fileList: files,
      sliceStartTime: 1_562_724_971_000,
    })
    assert.deepEqual(stoppedFiles(form, { files, hasFailed: true }), {
      serverResponse: { fileListMode: 'json', fileList: files, uploadingStatus: 'unknown' },
    })
  }
  const form = { mode: 'individual', fileTypes: ['mp4'] } as const
  assert.deepEqual(stoppedFiles(form, { files: [], hasFailed: false }), { code: 435 })
  assert.deepEqual(stoppedFiles(form, { files: [], hasFailed: true }), {
    serverResponse: { fileListMode: 'json', fileList: [], uploadingStatus: 'unknown' },
  })
})
