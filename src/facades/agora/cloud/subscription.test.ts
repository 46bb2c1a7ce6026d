import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CloudRefusedError } from './errors.ts'
import { FieldReader } from './fields.ts'
import { readStreamSubscribe, readSubscription, wantedOf } from './subscription.ts'

/** The vendor's own scenarios: users 111 to 444, and two more that nobody knew of. */
const SCENARIOS = [
  { lists: {}, audio: '111 222 333 444 555 666', video: '111 222 333 444 555 666' },
  {
    lists: { subscribeAudioUids: ['#allstream#'], subscribeVideoUids: ['111', '222'] },
    audio: '111 222 333 444 555 666',
    video: '111 222',
  },
  {
    lists: { subscribeAudioUids: ['#allstream#'], unSubscribeVideoUids: ['111', '222'] },
    audio: '111 222 333 444 555 666',
    video: '333 444 555 666',
  },
  { lists: { subscribeAudioUids: ['#allstream#'] }, audio: '111 222 333 444 555 666', video: '' },
  {
    lists: { unSubscribeAudioUids: ['222'], subscribeVideoUids: ['111'] },
    audio: '111 333 444 555 666',
    video: '111',
  },
  { lists: { unSubscribeAudioUids: ['#allstream#'] }, audio: '', video: '' },
] as const

for (const { lists, audio, video } of SCENARIOS) {
  test(`who is recorded by ${JSON.stringify(lists)}`, () => {
    const subscription = readSubscription(new FieldReader('Start', lists))
    const wanted = [111, 222, 333, 444, 555, 666].map((uid) => ({ uid, ...wantedOf(subscription, uid) }))
    assert.equal(wanted.flatMap((user) => (user.audio ? [user.uid] : [])).join(' '), audio)
    assert.equal(wanted.flatMap((user) => (user.video ? [user.uid] : [])).join(' '), video)
  })
}

test('an update has its lists a level deeper', () => {
  const subscribe = { audioUidList: { subscribeAudioUids: ['7'] }, videoUidList: { unSubscribeVideoUids: ['7'] } }
  const subscription = readStreamSubscribe(new FieldReader('Update', subscribe))
  assert.deepEqual(wantedOf(subscription, 7), { audio: true, video: false })
  assert.deepEqual(wantedOf(subscription, 8), { audio: false, video: true })
})

test('lists that can’t be are refused', () => {
  for (const lists of [
    { subscribeAudioUids: '1' },
    { subscribeAudioUids: [1] },
    { subscribeAudioUids: ['-1'] },
    { subscribeVideoUids: ['1'], unSubscribeVideoUids: ['2'] },
    { subscribeVideoUids: Array.from({ length: 1_001 }, String) },
  ]) {
    assert.throws(() => readSubscription(new FieldReader('Start', lists)), CloudRefusedError, JSON.stringify(lists))
  }
})
