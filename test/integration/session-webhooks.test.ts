import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EVENT_TYPES } from '#control/event-types.ts'
import { eventually } from '#test/support/agora.ts'
import { apiFixture } from '#test/support/api-fixture.ts'
import { testConfig } from '#test/support/test-config.ts'
import { WebhookReceiver } from '#test/support/webhook-receiver.ts'

const SECRET = 'a secret of sixteen and more'

test('what happens in rooms reaches webhooks signed and in order, of the rooms that they match', async () => {
  await using receiver = await WebhookReceiver.open(SECRET)
  const events = EVENT_TYPES.filter((type) => type.startsWith('session.'))
  const hook = { match: 'school/*/~composed', name: 'school', url: receiver.url, secret: SECRET, events }
  const webhooks = [{ ...hook, timeoutMs: 10_000, concurrency: 4 }]
  await using fixture = await apiFixture({ config: { hooks: { ...testConfig('').hooks, webhooks } } })
  const { sessions } = fixture.control
  const room = sessions.create({ id: 'class-1', streamPrefix: 'school', origin: 'test' })
  sessions.create({ id: 'other', streamPrefix: 'elsewhere', origin: 'test' })
  const ann = room.admit({ id: 'ann', role: 'publisher' })
  const camera = { id: 'cam', kind: 'camera', hasAudio: true, hasVideo: true, end: () => {} } as const
  const publication = ann.publish(camera)
  fixture.recorder.published.add(publication.path)
  await room.startRecording({ id: 'lesson', mode: 'individual', audio: true, video: true })
  await room.stopRecording()
  ann.leave('left')
  const wanted = [
    'session.opened',
    'session.joined',
    'session.published',
    'session.recording.started',
    'session.recording.stopped',
    'session.unpublished',
    'session.left',
    'session.closed',
  ]
  await eventually(async () => receiver.received.length >= wanted.length, 'all deliveries')
  assert.deepEqual(receiver.problems, [])
  assert.deepEqual(
    receiver.received.map(({ type }) => type),
    wanted,
  )
  const rooms = receiver.received.map(({ body }) => JSON.parse(body).data.session.id)
  assert.ok(rooms.every((id) => id === 'class-1'))
})
