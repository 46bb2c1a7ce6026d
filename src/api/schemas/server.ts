import { Type } from 'typebox'
import { listOf } from '../validation.ts'

export const ServerSchema = Type.Object({
  name: Type.Literal('tapedeck'),
  version: Type.String(),
  node: Type.String(),
  startedAt: Type.String({ description: 'ISO 8601, UTC' }),
  uptimeMs: Type.Number(),
  publish: listOf(
    Type.Object({
      protocol: Type.String(),
      url: Type.String({ description: 'what to publish to, with {app}/{stream} to fill in' }),
      server: Type.String({ description: 'the address up to the app "live"; for RTMP the "server" field of OBS' }),
    }),
  ),
  formats: listOf(Type.Object({ name: Type.String(), mimeType: Type.String(), isPlayableInBrowsers: Type.Boolean() })),
  access: Type.Object({
    name: Type.String({ description: 'of the token, or "local"' }),
    role: Type.String(),
    permissions: listOf(Type.String()),
  }),
})

const DiskSchema = Type.Object({
  root: Type.String(),
  freeBytes: Type.Union([Type.Number(), Type.Null()]),
  totalBytes: Type.Union([Type.Number(), Type.Null()]),
  isWritable: Type.Boolean(),
  problem: Type.Union([Type.String(), Type.Null()]),
})

export const HealthSchema = Type.Object({ status: Type.Literal('ok') })

export const ReadinessSchema = Type.Object({
  status: Type.Union([Type.Literal('ready'), Type.Literal('not-ready')]),
  recorder: Type.Union([Type.Literal('ready'), Type.Literal('starting')]),
  disks: Type.Optional(listOf(DiskSchema, { description: 'only for those who may manage the server' })),
})
