import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiFixture, publishTestStream } from '#test/support/api-fixture.ts'

test('metrics count streams, recordings, losses, writes and disks', async () => {
  await using fixture = await apiFixture()
  const publication = publishTestStream(fixture.hub, 'live/"cam\\1"'.replace('\\', ''))
  const recording = await fixture.recorder.add({ state: 'recording' }, Buffer.from('x'))
  fixture.recorder.counters = {
    received: 100,
    written: 97,
    lostByCause: { disk: 3 },
    writtenBytes: 5_000,
    queuedBytes: 77,
  }
  for (const observer of fixture.recorder.observers) {
    observer.written(2, 1_000)
    observer.finished(30)
  }
  await fixture.recorder.stop(recording.id)
  await fixture.recorder.add({ state: 'recording' }, Buffer.from('x'))
  const read = async () => (await fixture.request({ url: '/metrics' })).body
  const text = await read()
  const LINES = [
    'tapedeck_info{version="0.0.0-test"} 1',
    'tapedeck_streams 1',
    'tapedeck_stream_bitrate_bps{stream="live/\\"cam1\\""} 0',
    'tapedeck_live_viewers 0',
    'tapedeck_webrtc_sessions{kind="publish",state="flowing"} 0',
    'tapedeck_access_units_received_total 100',
    'tapedeck_access_units_written_total 97',
    'tapedeck_access_units_lost_total{cause="disk"} 3',
    'tapedeck_access_units_lost_total{cause="network"} 0',
    'tapedeck_written_bytes_total 5000',
    'tapedeck_queue_bytes 77',
    'tapedeck_write_duration_seconds_bucket{le="0.005"} 1',
    'tapedeck_write_duration_seconds_sum 0.002',
    'tapedeck_finish_duration_seconds_count 1',
    'tapedeck_recordings_active{state="recording"} 1',
    'tapedeck_recordings_active{state="waiting"} 0',
    'tapedeck_recordings_ended_total{outcome="ready"} 1',
    'tapedeck_compositions{state="running"} 0',
    'tapedeck_composition_pictures_dropped_total 0',
    'tapedeck_compositions_refused_total 0',
    'tapedeck_composing_cores{kind="used"} 0',
    'tapedeck_compose_jobs{state="waiting"} 0',
    'tapedeck_compose_jobs_ended_total{outcome="ready"} 0',
  ]
  for (const line of LINES) assert.ok(text.split('\n').includes(line), `${line} is missing in\n${text}`)
  for (const name of ['tapedeck_disk_free_bytes{root=', 'process_cpu_seconds_total', 'process_resident_memory_bytes']) {
    assert.match(text, new RegExp(`^${name}.* \\d`, 'm'))
  }
  publication.end({ cause: 'unpublished', message: '' })
  const later = await read()
  assert.doesNotMatch(later, /tapedeck_stream_bitrate_bps\{/)
  assert.match(later, /^tapedeck_access_units_received_total 100$/m, 'a scrape does not count twice')
})

test('two servers in one process count apart', async () => {
  await using one = await apiFixture()
  await using two = await apiFixture()
  const publication = publishTestStream(one.hub, 'live/cam1')
  assert.match((await one.request({ url: '/metrics' })).body, /^tapedeck_streams 1$/m)
  assert.match((await two.request({ url: '/metrics' })).body, /^tapedeck_streams 0$/m)
  publication.end({ cause: 'unpublished', message: '' })
})
