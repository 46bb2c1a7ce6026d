import { CONTAINER_NAMES, type Container, type ContainerName } from '#containers/container.ts'
import { flv } from '#containers/flv/flv.ts'
import { createMp4 } from '#containers/mp4/mp4.ts'
import { mpegts } from '#containers/mpegts/mpegts.ts'
import { mkv, webm } from '#containers/webm/webm.ts'

/** Every container; with little room for an MP4's index, so that parts limited in bytes are about media. */
export const CONTAINERS: Readonly<Record<ContainerName, Container>> = {
  mp4: createMp4({ indexBytes: 64 * 1024 }),
  flv,
  ts: mpegts,
  webm,
  mkv,
}

/** Those that a stream of H.264 and AAC, as the tests publish it, can be recorded to. */
export const H264_CONTAINERS: readonly ContainerName[] = CONTAINER_NAMES.filter(
  (name) => CONTAINERS[name].carries('h264') && CONTAINERS[name].carries('aac'),
)
