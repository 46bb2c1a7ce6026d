import type { Static } from 'typebox'
import type { Delivery } from '#hooks/delivery.ts'
import { API_PREFIX, type App, type Resources } from './app.ts'
import { principalOf } from './guards.ts'
import { IdParamsSchema } from './schemas/common.ts'
import {
  DeliveryListSchema,
  DeliveryQuerySchema,
  DeliverySchema,
  DeliveryWithBodySchema,
  HookListSchema,
} from './schemas/hook.ts'

const DELIVERIES = `${API_PREFIX}/webhooks/deliveries`
const tags = ['hooks']

/** Who is told what. It concerns all streams and the operator's own machines, so it is for those who manage. */
export function registerHooks(app: App, { hooks }: Resources): void {
  app.get(
    `${API_PREFIX}/hooks`,
    {
      config: { access: 'manage' },
      schema: { summary: 'All hooks, and how they fare', tags, response: { 200: HookListSchema } },
    },
    async (request) => {
      principalOf(request).requireEverywhere('manage')
      return { hooks: await hooks.describe() }
    },
  )

  app.get(
    DELIVERIES,
    {
      config: { access: 'manage' },
      schema: {
        summary: 'Webhook deliveries, newest first',
        description: 'Delivered ones are kept for 7 days, those given up for 30.',
        tags,
        querystring: DeliveryQuerySchema,
        response: { 200: DeliveryListSchema },
      },
    },
    async (request) => {
      principalOf(request).requireEverywhere('manage')
      const { deliveries, nextCursor = null } = await hooks.deliveries({ kind: 'webhook', ...request.query })
      return { deliveries: deliveries.map(toView), nextCursor }
    },
  )

  app.get(
    `${DELIVERIES}/:id`,
    {
      config: { access: 'manage' },
      schema: {
        summary: 'One delivery with its body',
        tags,
        params: IdParamsSchema,
        response: { 200: DeliveryWithBodySchema },
      },
    },
    async (request) => {
      principalOf(request).requireEverywhere('manage')
      const delivery = await hooks.delivery(request.params.id)
      return { ...toView(delivery), body: JSON.parse(delivery.document) as unknown }
    },
  )

  app.post(
    `${DELIVERIES}/:id/replay`,
    {
      config: { access: 'manage' },
      schema: {
        summary: 'Sends it again',
        description: 'One that waits is tried at once. The receiver sees the same Tapedeck-Delivery as before.',
        tags,
        params: IdParamsSchema,
        response: { 200: DeliverySchema },
      },
    },
    async (request) => {
      principalOf(request).requireEverywhere('manage')
      return toView(await hooks.replay(request.params.id))
    },
  )
}

function toView(delivery: Delivery): Static<typeof DeliverySchema> {
  const { id, hook, eventId, eventType, stream, recording, state, attempts } = delivery
  const { lastStatus, lastError, lastDurationMs } = delivery
  return {
    id,
    webhook: hook,
    event: { id: eventId, type: eventType },
    stream,
    recording,
    state,
    attempts,
    createdAt: instant(delivery.createdMs),
    nextAttemptAt: delivery.nextMs === null ? null : instant(delivery.nextMs),
    endedAt: delivery.endedMs === null ? null : instant(delivery.endedMs),
    lastStatus,
    lastError,
    lastDurationMs,
  }
}

function instant(ms: number): string {
  return new Date(ms).toISOString()
}
