import { useState } from 'preact/hooks'
import type { RuleDocument } from '../api/documents.ts'
import { count } from '../format.ts'
import { useApp } from '../state/context.ts'
import { useStore } from '../state/use-store.ts'
import { Check } from './check.tsx'
import { ConfirmDialog } from './confirm-dialog.tsx'

/** Asks before a rule is gone. Its row goes with it, so the page's title takes the focus. */
export function RuleDeleteDialog(props: { rule: RuleDocument; onClosed: () => void; onDeleted?: () => void }) {
  const { client, feed, rules, toasts } = useApp()
  const { active } = useStore(feed.state)
  const [stops, setStops] = useState(false)
  const { rule } = props
  const running = [...active.values()].filter(({ recording }) => recording.rule === rule.id).length
  return (
    <ConfirmDialog
      title="Delete this rule?"
      action="Delete"
      doing="Deleting…"
      onClosed={props.onClosed}
      onConfirm={() => client.removeRule(rule.id, { stop: stops })}
      onConfirmed={() => {
        toasts.notice(`Rule ${rule.match} deleted.`)
        rules.tell((all) => all.filter(({ id }) => id !== rule.id))
        props.onDeleted?.()
        document.getElementById('page-title')?.focus()
      }}
    >
      <p>
        Streams that match <code>{rule.match}</code> are left to the other rules from now on. Files stay.
      </p>
      {running > 0 && (
        <Check
          id="rule-stop"
          label={`Stop its ${count(running, 'recording')}`}
          hint="Else what it has started goes on until the stream ends."
          isOn={stops}
          onChange={setStops}
        />
      )}
    </ConfirmDialog>
  )
}
