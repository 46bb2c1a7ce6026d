import type { Container, ContainerName } from './container.ts'
import { flv } from './flv/flv.ts'
import { createMp4 } from './mp4/mp4.ts'
import { mpegts } from './mpegts/mpegts.ts'
import { mkv, webm } from './webm/webm.ts'

/** Every container of the product. @param mp4IndexBytes room for the index at the front of an MP4 file */
export function allContainers(mp4IndexBytes: number): Readonly<Record<ContainerName, Container>> {
  return { mp4: createMp4({ indexBytes: mp4IndexBytes }), flv, ts: mpegts, webm, mkv }
}
