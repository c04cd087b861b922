/* Decorators as TypeScript applies them, for the few classes here: nothing of this folder needs a build. */

export const decorateClass = (target, decorators) => {
  for (const decorate of decorators.reverse()) decorate(target);
};

export const decorateMethod = ({ prototype }, name, decorators) => {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
  for (const decorate of decorators.reverse()) decorate(prototype, name, descriptor);
};
