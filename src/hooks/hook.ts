import { createHash } from 'node:crypto'
import type { Config, ExecHookConfig, WebhookConfig } from '#config/config.ts'
import { compilePathPattern } from '#hub/path-pattern.ts'
import type { HookKind } from './delivery.ts'

/** A configured hook, ready to be asked whether an event is for it. */
export type Hook = (ExecHook | Webhook) & {
  /** The same across restarts, and no other hook's. */
  readonly name: string
  /** Attempts at a time. */
  readonly concurrency: number
  wants(event: { readonly type: string; readonly stream: string }): boolean
}

interface ExecHook {
  readonly kind: 'exec'
  readonly config: ExecHookConfig
}

interface Webhook {
  readonly kind: 'webhook'
  readonly config: WebhookConfig
}

/** All hooks of a configuration. */
export function hooksOf({ exec, webhooks }: Config['hooks']): readonly Hook[] {
  const taken = new Set<string>()
  const nameOf = (kind: HookKind, given: string | undefined, identity: unknown): string => {
    const stem = given ?? `${kind}-${createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 10)}`
    let name = stem
    // Twice the same address, for different events: the order in the file tells them apart.
    for (let n = 2; taken.has(name); n++) name = `${stem}-${n}`
    taken.add(name)
    return name
  }
  return [
    ...exec.map((config): Hook => {
      const name = nameOf('exec', config.name, [config.command, config.args])
      return { kind: 'exec', config, name, concurrency: config.concurrency, wants: filter(config) }
    }),
    ...webhooks.map((config): Hook => {
      const name = nameOf('webhook', config.name, config.url)
      return { kind: 'webhook', config, name, concurrency: config.concurrency, wants: filter(config) }
    }),
  ]
}

function filter({ match, events }: ExecHookConfig | WebhookConfig): Hook['wants'] {
  const pattern = compilePathPattern(match)
  const types = new Set<string>(events)
  return ({ type, stream }) => types.has(type) && (stream === '' ? match === '**' : pattern.matches(stream))
}
