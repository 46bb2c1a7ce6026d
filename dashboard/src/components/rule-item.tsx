import { useState } from 'preact/hooks'
import type { RuleDocument } from '../api/documents.ts'
import { useApp } from '../state/context.ts'
import { ruleHref } from '../state/route.ts'
import { describeRule, RECORD_WORDS } from '../state/rule-words.ts'
import { useCommand } from '../state/use-command.ts'
import { useMay } from '../state/use-may.ts'
import { Icon } from './icon.tsx'
import { RuleDeleteDialog } from './rule-delete-dialog.tsx'
import { RuleRecordings } from './rule-recordings.tsx'
import { Switch } from './switch.tsx'

/** One rule: which streams, what it does with them, and what it records now. */
export function RuleItem({ rule }: { rule: RuleDocument }) {
  const { client, rules } = useApp()
  const { isBusy, run } = useCommand()
  const mayManage = useMay('manage')
  const [isDeleting, setDeleting] = useState(false)
  const isFixed = rule.origin === 'config'
  const facts = describeRule(rule)
  const setEnabled = (enabled: boolean) =>
    run(async () => {
      const changed = await client.changeRule(rule.id, { enabled })
      rules.tell((all) => all.map((other) => (other.id === rule.id ? changed : other)))
    })
  return (
    <li class={rule.enabled ? 'item' : 'item item-off'} data-rule={rule.id}>
      <div class="item-body">
        <h2 class="item-title">
          <a href={ruleHref(rule.id)} aria-label={`${mayManage && !isFixed ? 'Edit' : 'Look at'} rule ${rule.match}`}>
            <code>{rule.match}</code>
          </a>
          <span class={`badge badge-record-${rule.record}`}>{RECORD_WORDS[rule.record].badge}</span>
          {rule.priority !== 0 && <span class="badge">priority {rule.priority}</span>}
          {!rule.enabled && <span class="badge">off</span>}
        </h2>
        {facts.length > 0 && (
          <p class="facts muted">
            {facts.map((fact) => (
              <span key={fact}>{fact}</span>
            ))}
          </p>
        )}
        {isFixed && (
          <p class="facts muted">
            <span>
              <Icon name="lock" /> From the configuration file: change it there and restart.
            </span>
          </p>
        )}
        <RuleRecordings ruleId={rule.id} />
      </div>
      {mayManage && !isFixed && (
        <div class="item-actions">
          <Switch name={`Rule ${rule.match} enabled`} isOn={rule.enabled} isDisabled={isBusy} onSwitch={setEnabled} />
          <button
            type="button"
            class="icon-button"
            aria-label={`Delete rule ${rule.match}`}
            onClick={() => setDeleting(true)}
          >
            <Icon name="trash" />
          </button>
        </div>
      )}
      {isDeleting && <RuleDeleteDialog rule={rule} onClosed={() => setDeleting(false)} />}
    </li>
  )
}
