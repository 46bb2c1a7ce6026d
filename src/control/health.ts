import type { RecorderApi } from '#recorder/recorder-api.ts'
import type { DiskSpace, DiskState } from './disk-space.ts'

export interface Readiness {
  readonly isReady: boolean
  readonly recorder: 'ready' | 'starting'
  readonly disks: readonly DiskState[]
}

/** Whether new recordings would work: the recorder accepts them and the first root, which takes them, has room. */
export async function checkReadiness(recorder: Pick<RecorderApi, 'isReady'>, disks: DiskSpace): Promise<Readiness> {
  const states = await disks.states()
  return {
    isReady: recorder.isReady && states[0]?.isWritable === true,
    recorder: recorder.isReady ? 'ready' : 'starting',
    disks: states,
  }
}
