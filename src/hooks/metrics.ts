import { Counter, Gauge, type Registry } from 'prom-client'
import type { HookTally } from './hook-tally.ts'
import type { DeliveryCount } from './outbox/stored.ts'

/** What hooks do, for a Prometheus server. */
export function registerHookMetrics(
  registers: Registry[],
  tally: HookTally,
  counts: () => Promise<readonly DeliveryCount[]>,
): void {
  new Gauge({
    name: 'tapedeck_deliveries',
    help: 'Deliveries kept for hooks, by hook and state; absent while the outbox does not answer.',
    labelNames: ['hook', 'state'],
    registers,
    async collect() {
      this.reset()
      const known = await counts().catch(() => [])
      for (const { hook, state, count } of known) this.set({ hook, state }, count)
    },
  })
  copied('tapedeck_hook_runs_total', 'Scripts run, by outcome.', () => tally.counters.scripts)
  copied('tapedeck_webhook_attempts_total', 'Webhooks posted, by outcome.', () => tally.counters.webhooks)
  new Counter({
    name: 'tapedeck_deliveries_refused_total',
    help: 'Deliveries there was no room for.',
    registers,
    collect() {
      this.reset()
      this.inc(tally.counters.refused)
    },
  })

  function copied(name: string, help: string, values: () => Readonly<Record<string, number>>): void {
    new Counter({
      name,
      help,
      labelNames: ['outcome'],
      registers,
      collect() {
        this.reset()
        for (const [outcome, count] of Object.entries(values())) this.inc({ outcome }, count)
      },
    })
  }
}
