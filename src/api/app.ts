import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { Runtime } from '#base/runtime.ts'
import type { Config } from '#config/config.ts'
import type { Control } from '#control/control.ts'
import type { Hooks } from '#hooks/hooks.ts'

/** Fastify with typebox schemas as types. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** What every resource is given. */
export interface Resources {
  readonly control: Control
  readonly hooks: Pick<Hooks, 'describe' | 'deliveries' | 'delivery' | 'replay'>
  readonly config: Config
  readonly runtime: Runtime
}

/** Where the API lives. */
export const API_PREFIX = '/api/v1'
