import { unknownName } from '@modajs/tensor';
import { aggregateMetric, type MetricValue, macroAverage } from '../metrics/aggregate.ts';
import type { TaskSelection } from '../tasks/registry.ts';
import type { MetricName, TaskGroup } from '../tasks/task.ts';

/** A finished task as far as groups care: the value of each document for each metric. */
export interface TaskColumns {
  readonly name: string;
  readonly primaryMetric: MetricName;
  readonly columns: Readonly<Partial<Record<MetricName, readonly number[]>>>;
}

/** Values of a group: `primary` over its tasks' primary metrics, others where all its tasks have them. */
export type GroupValues = Partial<Record<MetricName | 'primary', MetricValue>>;

/**
 * Values of the selected groups, see `TaskGroup.average`. A group with a member that has no value is left out: a mean
 * over what happened to succeed would pass as the real one.
 */
export function groupValues(selection: TaskSelection, tasks: readonly TaskColumns[]): Map<string, GroupValues> {
  const byName = new Map(tasks.map((task) => [task.name, task]));
  const done = new Map<string, GroupValues>();
  // selectTasks lists a group after the groups inside it.
  for (const group of selection.groups) {
    const leaves = leavesOf(group, selection.groups).map((name) => byName.get(name));
    if (leaves.length === 0 || leaves.includes(undefined)) continue;
    done.set(group.name, valuesOf(group, leaves as TaskColumns[], byName, done));
  }
  return done;
}

function leavesOf(group: TaskGroup, groups: readonly TaskGroup[]): string[] {
  return group.members.flatMap((name) => {
    const inner = groups.find((candidate) => candidate.name === name);
    return inner ? leavesOf(inner, groups) : [name];
  });
}

function valuesOf(
  group: TaskGroup,
  leaves: readonly TaskColumns[],
  byName: ReadonlyMap<string, TaskColumns>,
  done: ReadonlyMap<string, GroupValues>,
): GroupValues {
  switch (group.average) {
    case 'macro':
      return overMembers(group, byName, done);
    case 'macro-tasks':
    case 'micro':
      return overTasks(leaves, group.average);
    default:
      return unknownName('task group average', group.average);
  }
}

function overMembers(
  group: TaskGroup,
  tasks: ReadonlyMap<string, TaskColumns>,
  done: ReadonlyMap<string, GroupValues>,
): GroupValues {
  const members = group.members.map((name) => {
    const task = tasks.get(name);
    return task ? aggregateMetric(task.primaryMetric, task.columns[task.primaryMetric]!) : done.get(name)!.primary!;
  });
  return { primary: macroAverage(members) };
}

function overTasks(leaves: readonly TaskColumns[], kind: 'macro-tasks' | 'micro'): GroupValues {
  const shared = (Object.keys(leaves[0].columns) as MetricName[]).filter((metric) =>
    leaves.every((task) => task.columns[metric]),
  );
  const average = (pick: (task: TaskColumns) => MetricName) =>
    kind === 'micro'
      ? aggregateMetric(
          pick(leaves[0]),
          leaves.flatMap((task) => task.columns[pick(task)]!),
        )
      : macroAverage(leaves.map((task) => aggregateMetric(pick(task), task.columns[pick(task)]!)));
  const values: GroupValues = Object.fromEntries(shared.map((metric) => [metric, average(() => metric)]));
  return { ...values, primary: average((task) => task.primaryMetric) };
}
