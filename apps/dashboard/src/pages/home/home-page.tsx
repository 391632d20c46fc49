import { useState } from 'preact/hooks';
import './home.css';
import { keptStep, lessonHash, STEP_TITLES } from '../../lesson/lesson.ts';
import { Term } from '../../terms/term.tsx';
import { Claims } from './claims.tsx';
import { DepthFigure } from './depth-figure.tsx';
import { Formula } from './formula.tsx';
import { LINKS } from './links.ts';

/** What MoDA is, in one minute: seen, in a formula, with what is claimed and what was found; then the way on. */
export function HomePage() {
  return (
    <section class="home">
      <h1>Language models that read their own depth</h1>
      <p class="lead">
        In a transformer every <Term of="block">block</Term> adds its output to one sum. With{' '}
        <Term of="moda">Mixture-of-Depths Attention</Term> a block can also look back at what each earlier block wrote
        for the same token, as it looks back at earlier tokens.
      </p>
      <div class="row actions">
        <a class="button primary" href="#/train">
          Train one now
        </a>
        <a class="button" href={lessonHash('train')}>
          Five-minute lesson
        </a>
        <a class="button" href={LINKS.paper}>
          Paper
        </a>
        <a class="button" href={LINKS.code}>
          Code
        </a>
        <a class="button" href={LINKS.docs}>
          Documentation
        </a>
      </div>
      <DepthFigure />
      <Formula />
      <Claims evidenceLink={LINKS.evidence} />
      <Lesson />
      <h2>Try it</h2>
      <p>
        Everything on these pages runs in your browser; nothing is sent anywhere. Train a model with slots and one
        without side by side, ask both, and see where every head looks.
      </p>
      <div class="row actions">
        <a class="button primary" href="#/train">
          Train one now
        </a>
        <a class="button" href="#/attention">
          See where heads look
        </a>
        <a class="button" href="#/runs">
          Look at your runs
        </a>
        <a class="button" href={LINKS.authorsCode}>
          The authors’ code
        </a>
      </div>
    </section>
  );
}

/** The way into the lesson, or back to where it was left. */
function Lesson() {
  const [kept] = useState(keptStep);
  return (
    <>
      <h2>A five-minute lesson</h2>
      <p>
        Train two models, see where they look, give them a prompt, and compare them: four steps on the dashboard’s own
        pages. Leave when you like; this page remembers the step.
      </p>
      <div class="row actions">
        <a class="button primary" href={lessonHash(kept ?? 'train')}>
          {kept === null || kept === 'train'
            ? 'Start the lesson'
            : `Go on with the lesson: ${STEP_TITLES[kept].toLowerCase()}`}
        </a>
      </div>
    </>
  );
}
