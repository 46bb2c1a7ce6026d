import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FlashphonerSettingsError } from './errors.ts'
import { parseProperties } from './properties.ts'
import { parseRotation } from './rotation.ts'
import { readSettings } from './settings.ts'

const settings = (text: string) => readSettings(parseProperties(text), 'flashphoner.properties')

test('an empty file gives the documented defaults', () => {
  assert.deepEqual(settings(''), {
    recordStreams: true,
    recordRtmp: false,
    recordRtsp: false,
    recordMixers: false,
    policy: 'template',
    template: 'stream-{mediaSessionId}-{login}',
    encoding: 'none',
    excludedCharacters: '',
    rotation: { seconds: 0, bytes: 0 },
    hookScript: '/usr/local/FlashphonerWebCallServer/bin/on_record_hook.sh',
    multipleHookScript: '/usr/local/FlashphonerWebCallServer/bin/on_multiple_record_hook.sh',
    audioSampleRateHz: 44_100,
    codecs: { video: ['h264', 'vp8', 'vp9', 'av1', 'h265'], audio: ['opus', 'pcma', 'pcmu', 'g722'] },
    h264ToTs: false,
    needless: [],
    unfollowedFormats: [],
  })
})

test('booleans are Java’s: true in any letter case, everything else is false', () => {
  for (const text of ['true', 'TRUE', ' True ']) {
    assert.equal(settings(`record_flash_published_streams=${text}`).recordRtmp, true, text)
  }
  for (const text of ['yes', '1', '', 'truee'])
    assert.equal(settings(`record_streams=${text}`).recordStreams, false, text)
})

test('every key is read', () => {
  const read = settings(`
    record_streams = true
    record_rtsp_streams = true
    record_mixer_streams = true
    stream_record_policy = streamName
    stream_record_policy_template = {streamName}-{startTime}
    encode_record_name = true, base64
    exclude_record_name_characters = :.,/
    record_rotation = 10M
    on_record_hook_script = /opt/hook.sh
    record_audio_codec_sample_rate = 48000
    codecs = ulaw,Opus,vp8,h264,flv
    record_formats = h264-ts,vp8-webm,vp8-mkv
    mp4_container_write_header_on_fly = true
    some_other_key = nobody's business
  `)
  assert.deepEqual(
    { ...read, multipleHookScript: '' },
    {
      recordStreams: true,
      recordRtmp: false,
      recordRtsp: true,
      recordMixers: true,
      policy: 'streamName',
      template: '{streamName}-{startTime}',
      encoding: 'base64url',
      excludedCharacters: ':.,/',
      rotation: { seconds: 0, bytes: 10 * 1024 * 1024 },
      hookScript: '/opt/hook.sh',
      multipleHookScript: '',
      audioSampleRateHz: 48_000,
      codecs: { video: ['vp8', 'h264', 'vp9', 'av1', 'h265'], audio: ['pcmu', 'opus', 'pcma', 'g722'] },
      h264ToTs: true,
      needless: ['mp4_container_write_header_on_fly'],
      unfollowedFormats: ['vp8-mkv'],
    },
  )
})

test('encode_record_name without an algorithm is HEX; off is off whatever stands behind it', () => {
  assert.equal(settings('encode_record_name=true').encoding, 'hex')
  assert.equal(settings('encode_record_name=true,hex').encoding, 'hex')
  assert.equal(settings('encode_record_name=false,ROT13').encoding, 'none')
})

test('everything that can’t be followed is said at once', () => {
  const text = `
    encode_record_name = true,ROT13
    record_rotation = 10 minutes
    stream_record_policy = random
    record_audio_codec_sample_rate = 44000`
  assert.throws(
    () => settings(text),
    (error) => {
      assert.ok(error instanceof FlashphonerSettingsError)
      assert.deepEqual(
        error.problems.map(({ key }) => key),
        ['stream_record_policy', 'encode_record_name', 'record_rotation', 'record_audio_codec_sample_rate'],
      )
      assert.match(error.message, /record_rotation="10 minutes": expected seconds such as 20/)
      return true
    },
  )
})

const ROTATIONS = [
  ['20', { seconds: 20, bytes: 0 }],
  [' 20 ', { seconds: 20, bytes: 0 }],
  ['10M', { seconds: 0, bytes: 10_485_760 }],
  ['10m', { seconds: 0, bytes: 10_485_760 }],
  ['64K', { seconds: 0, bytes: 65_536 }],
  ['1G', { seconds: 0, bytes: 1_073_741_824 }],
  ['0', { seconds: 0, bytes: 0 }],
  ['0M', { seconds: 0, bytes: 0 }],
  ['', { seconds: 0, bytes: 0 }],
  ['1K', undefined],
  ['10T', undefined],
  ['-20', undefined],
  ['1.5', undefined],
  ['20s', undefined],
  ['999999999999G', undefined],
] as const
for (const [text, expected] of ROTATIONS) {
  test(`rotation ${JSON.stringify(text)}`, () => assert.deepEqual(parseRotation(text), expected))
}
