import type { RuleDocument } from '../api/documents.ts'
import { useApp } from '../state/context.ts'
import { ConfirmDialog } from './confirm-dialog.tsx'

/** Asks before a rule is gone. Its row goes with it, so the page's title takes the focus. */
export function RuleDeleteDialog(props: { rule: RuleDocument; onClosed: () => void; onDeleted?: () => void }) {
  const { client, rules, toasts } = useApp()
  const { rule } = props
  return (
    <ConfirmDialog
      title="Delete this rule?"
      action="Delete"
      doing="Deleting…"
      onClosed={props.onClosed}
      onConfirm={() => client.removeRule(rule.id)}
      onConfirmed={() => {
        toasts.notice(`Rule ${rule.match} deleted.`)
        rules.tell((all) => all.filter(({ id }) => id !== rule.id))
        props.onDeleted?.()
        document.getElementById('page-title')?.focus()
      }}
    >
      <p>
        Streams that match <code>{rule.match}</code> are left to the other rules from now on. Recordings it has started
        go on, and files stay.
      </p>
    </ConfirmDialog>
  )
}
