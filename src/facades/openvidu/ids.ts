import { randomText } from '#sessions/ids.ts'

const LOWER_CASE_CHARACTERS = 16
const MODERN_CHARACTERS = 10

/** Ids as the vendor makes them. spec section 7.12. */
export const newIds = {
  session: (compat: 'classic' | 'modern') =>
    compat === 'modern' ? `ses_${randomText(MODERN_CHARACTERS)}` : randomText(LOWER_CASE_CHARACTERS).toLowerCase(),
  connection: (kind: 'client' | 'camera') => `${kind === 'camera' ? 'ipc' : 'con'}_${randomText(MODERN_CHARACTERS)}`,
  /** spec section 7.12: what its pictures are of, four characters, and whose it is. */
  stream: (typeOfVideo: string | undefined, connectionId: string) => {
    const kind = { CAMERA: 'CAM', SCREEN: 'SCR', CUSTOM: 'CUS', IPCAM: 'IPC' }[typeOfVideo ?? ''] ?? 'MIC'
    return `str_${kind}_${randomText(4)}_${connectionId}`
  },
  token: () => `tok_${randomText(16)}`,
}
