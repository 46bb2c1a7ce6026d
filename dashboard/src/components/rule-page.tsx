import { useState } from 'preact/hooks'
import type { RuleDocument } from '../api/documents.ts'
import { useApp } from '../state/context.ts'
import { ruleHref } from '../state/route.ts'
import { findRule } from '../state/rule-draft.ts'
import { useFollowed } from '../state/use-followed.ts'
import { useMay } from '../state/use-may.ts'
import { Icon } from './icon.tsx'
import { PageTitle } from './page-title.tsx'
import { Refusal } from './refusal.tsx'
import { RuleDeleteDialog } from './rule-delete-dialog.tsx'
import { RuleForm } from './rule-form.tsx'
import { RuleRecordings } from './rule-recordings.tsx'

/** A rule to look at, to change, or to make. */
export function RulePage({ id }: { id: string | undefined }) {
  const app = useApp()
  const { value: rules, refusal } = useFollowed(app.rules)
  const mayManage = useMay('manage')
  const rule = id === undefined ? undefined : findRule(rules, id)
  const isMissing = id !== undefined && rule === undefined
  return (
    <section aria-labelledby="page-title" class="form-page">
      <a class="back" href="#/rules">
        <Icon name="back" /> Rules
      </a>
      <PageTitle text={titleOf(id, rule)} />
      <Refusal text={refusal} />
      {isMissing && rules !== undefined && <p class="empty">There is no such rule any more.</p>}
      {id === undefined && !mayManage && (
        <p class="empty">Your credential may not add rules: that takes the role admin.</p>
      )}
      {rule !== undefined && <ExistingRule key={rule.id} rule={rule} mayManage={mayManage} />}
      {id === undefined && mayManage && <NewRule />}
    </section>
  )
}

function titleOf(id: string | undefined, rule: RuleDocument | undefined): string {
  if (id === undefined) return 'New rule'
  return rule === undefined ? 'Rule' : `Rule ${rule.match}`
}

function NewRule() {
  const { rules, toasts } = useApp()
  const saved = (rule: RuleDocument) => {
    toasts.notice(`Rule ${rule.match} added.`)
    rules.tell((all) => [...all.filter(({ id }) => id !== rule.id), rule])
    location.hash = '#/rules'
  }
  return <RuleForm rule={undefined} action="Add rule" onSaved={saved} />
}

function ExistingRule({ rule, mayManage }: { rule: RuleDocument; mayManage: boolean }) {
  const { rules, toasts } = useApp()
  const [isDeleting, setDeleting] = useState(false)
  const isFixed = rule.origin === 'config'
  const leave = () => {
    if (location.hash === ruleHref(rule.id)) location.hash = '#/rules'
  }
  const saved = (changed: RuleDocument) => {
    toasts.notice(`Rule ${changed.match} saved.`)
    rules.tell((all) => all.map((other) => (other.id === changed.id ? changed : other)))
    leave()
  }
  return (
    <>
      <RuleRecordings ruleId={rule.id} />
      {isFixed && (
        <p class="note">
          <Icon name="lock" /> This rule comes from the configuration file, so it can't be changed here: change it there
          and restart the server.
        </p>
      )}
      {!isFixed && !mayManage && (
        <p class="note">
          <Icon name="lock" /> Your credential may look at this rule; changing it takes the role admin.
        </p>
      )}
      <RuleForm rule={rule} action="Save" isReadOnly={isFixed || !mayManage} onSaved={saved}>
        <button type="button" class="push" onClick={() => setDeleting(true)}>
          <Icon name="trash" /> Delete
        </button>
      </RuleForm>
      {isDeleting && <RuleDeleteDialog rule={rule} onClosed={() => setDeleting(false)} onDeleted={leave} />}
    </>
  )
}
