import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeSource } from '#test/support/elementary-source.ts'
import { RecorderFixture } from '#test/support/recorder-fixture.ts'
import { MediaSessions } from '../../src/facades/flashphoner/media-sessions.ts'
import { Recordings } from '../../src/facades/flashphoner/recordings.ts'
import { readSettings } from '../../src/facades/flashphoner/settings.ts'

for (const isInRoom of [false, true]) {
  test(`a stream ${isInRoom ? 'of a room is recorded in one piece' : 'without a room is rotated'}`, async () => {
    await using fixture = await RecorderFixture.open()
    const source = await makeSource(fixture.folder, { video: 'h264', audio: 'aac', seconds: 4 })
    using sessions = new MediaSessions(fixture.runtime, fixture.hub)
    const settings = readSettings(new Map([['record_rotation', '1']]), 'test')
    const recordings = new Recordings({ runtime: fixture.runtime, recorder: fixture.recorder, settings })
    const facts = { mediaSessionId: 'm1', name: 'room-carol', login: 'carol', appKey: 'roomApp', isInRoom }
    using _ = sessions.announce('test', facts)
    const publisher = fixture.publish('webrtc/room-carol')
    const session = sessions.get('m1')
    assert.ok(session !== undefined)
    await recordings.start(session)
    await publisher.sendSlowly(source.units)
    await recordings.stop(session)
    const { parts } = await fixture.ready()
    assert.deepEqual(
      parts.map(({ path }) => path),
      isInRoom
        ? ['stream-m1-carol.mp4']
        : ['stream-m1-carol_1.mp4', 'stream-m1-carol_2.mp4', 'stream-m1-carol_3.mp4', 'stream-m1-carol.mp4'],
    )
  })
}
