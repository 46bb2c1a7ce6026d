import type { KeyTree } from '../key.ts'
import { API_KEYS } from './api.ts'
import { AUTH_KEYS } from './auth.ts'
import { HOOKS_KEYS } from './hooks.ts'
import { LIMITS_KEYS } from './limits.ts'
import { LOG_KEYS } from './log.ts'
import { NODE_KEYS } from './node.ts'
import { PAGES_KEYS } from './pages.ts'
import { PULLS_KEYS } from './pulls.ts'
import { RECORDINGS_KEYS } from './recordings.ts'
import { RTMP_KEYS } from './rtmp.ts'
import { RTSP_KEYS } from './rtsp.ts'
import { RULES_KEYS } from './rules.ts'
import { WEBRTC_KEYS } from './webrtc.ts'

/** Every key there is, nested and ordered as in the sample file. */
export const CONFIG_KEYS = {
  ...NODE_KEYS,
  recordings: RECORDINGS_KEYS,
  ...RULES_KEYS,
  ...PULLS_KEYS,
  pages: PAGES_KEYS,
  api: API_KEYS,
  rtmp: RTMP_KEYS,
  rtsp: RTSP_KEYS,
  webrtc: WEBRTC_KEYS,
  auth: AUTH_KEYS,
  hooks: HOOKS_KEYS,
  limits: LIMITS_KEYS,
  log: LOG_KEYS,
} as const satisfies KeyTree
