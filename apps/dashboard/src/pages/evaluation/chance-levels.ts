/** Answers among which a task's documents choose; where their number differs a little (ARC), that of nearly all. */
const ANSWERS: Readonly<Record<string, number>> = {
  piqa: 2,
  hellaswag: 4,
  winogrande: 2,
  openbookqa: 4,
  boolq: 2,
  sciq: 4,
  arc_easy: 4,
  arc_challenge: 4,
  copa: 2,
  mmlu: 4,
};
const AVERAGE = 'moda_paper';

/** Per cent of right answers that guessing gives; null where the task's number of answers is not known here. */
export function chanceOf(task: string): number | null {
  if (task === AVERAGE) {
    const all = Object.values(ANSWERS);
    return all.reduce((sum, answers) => sum + 100 / answers, 0) / all.length;
  }
  // The next word is free: guessing among a vocabulary is right next to never.
  if (task.startsWith('lambada')) return 0;
  const known = task.startsWith('mmlu_') ? 'mmlu' : task;
  return Object.hasOwn(ANSWERS, known) ? 100 / ANSWERS[known] : null;
}
