'use strict';
// The page of the explorer. The state that is shown is the one that the address says, after #: the
// names of the steps that lead to it. Whatever comes from the program is set as text, never as
// markup, but for the diagram, which is drawn and escaped by quorate/trace/chart.py.

const $ = id => document.getElementById(id);
let asked = 0;       // the number of the last state that was asked for
let shown = null;    // the answer that is shown
let stays = false;   // whether what is told is of the state that comes next
let about = null;

// Asking -------------------------------------------------------------------------------------

async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)};
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw {message: 'the explorer does not answer', help: 'is `quorate explore` still running?'};
  }
  const answer = await response.json();
  if (!response.ok) throw answer;
  return answer;
}

function tell(kind, texts, help) {
  const told = $('told');
  told.className = kind;
  told.hidden = !texts.length;
  told.replaceChildren(...texts.map(text => make('pre', text)));
  if (help) told.append(make('p', help));
}

function complain(error) {
  const code = error.code ? `[${error.code}] ` : '';
  tell('error', [code + (error.message || error)], error.help);
}

// Elements -----------------------------------------------------------------------------------

function make(tag, text, kind) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (kind) element.className = kind;
  return element;
}

function grouped(items, key) {
  const groups = new Map();
  for (const item of items) {
    if (!groups.has(key(item))) groups.set(key(item), []);
    groups.get(key(item)).push(item);
  }
  return groups;
}

// Where one is -------------------------------------------------------------------------------

const here = () => location.hash.slice(1);
const names = () => here() ? here().split('.') : [];

function go(way) {
  const link = way.join('.');
  if (link === here()) load();
  else location.hash = link;
}

async function load() {
  const mine = ++asked;
  const waits = setTimeout(() => document.body.classList.add('waits'), 500);
  try {
    const answer = await ask('state/' + here());
    if (mine !== asked) return;
    if (!stays) tell('', []);
    stays = false;
    show(answer);
  } catch (error) {
    if (mine !== asked) return;
    stays = false;
    complain(error);
  } finally {
    clearTimeout(waits);
    if (mine === asked) document.body.classList.remove('waits');
  }
}

function show(answer) {
  shown = answer;
  const {state} = answer;
  const count = state.way.length;
  const steps = `${count} step${count === 1 ? '' : 's'}`;
  document.title = `${about.program}: ${steps}`;
  $('here-title').textContent = count ? `The state after ${steps}` : 'Nothing has happened yet';
  $('last').textContent = state.last ? words(state.last) : '';
  $('failed').textContent = state.failed ? `The step fails: ${state.failed}` : '';
  $('back').disabled = $('beginning').disabled = !count;
  showBounds(state.left);
  showSteps(state.steps, state.more);
  $('properties').replaceChildren(...state.properties.map(property));
  $('processes').replaceChildren(...state.processes.map(process));
  showFirst($('here'), $('processes').querySelector('.changed'));
  showMessages(state.channels);
  showDiagram(answer.diagram, count);
  showSource(state.processes, answer.ran);
}

function words(step) {
  const whose = step.process === null ? '' : `${step.process} `;
  return [whose + step.what, ...step.then].join('; ');
}

function showFirst(box, element) {  // scrolls within a box as little as shows an element of it
  box.scrollTop = 0;
  if (!element) return;
  const [inner, outer] = [element.getBoundingClientRect(), box.getBoundingClientRect()];
  const head = box.querySelector('.head').clientHeight;
  const beyond = Math.min(inner.bottom - outer.bottom + 10, inner.top - outer.top - head);
  if (beyond > 0) box.scrollTop = beyond;
}

function showBounds(left) {
  const budgets = Object.entries(about.bounds)
    .filter(([name, of]) => of || left[name] !== of)
    .map(([name, of]) => `${name}: ${of - left[name]} of ${of}`);
  const network = {bag: 'messages in any order', fifo: 'messages in the order of sending',
    set: 'messages in any order, any number of times'}[about.network];
  $('bounds').textContent = [network, ...budgets].join(' · ');
}

// What may happen ----------------------------------------------------------------------------

function showSteps(steps, more) {
  const parts = [];
  for (const [process, some] of grouped(steps, step => step.process)) {
    parts.push(make('h3', process === null ? 'The network' : process));
    parts.push(...some.map(stepButton));
  }
  if (!steps.length) parts.push(make('p', 'Nothing can happen any more.'));
  if (more) parts.push(make('p', `${more} more outcomes of these are not shown.`));
  $('steps').replaceChildren(...parts);
  const first = $('steps').querySelector('.step');
  const active = document.activeElement;
  if (first && (active === document.body || active === null)) first.focus({preventScroll: true});
}

function stepButton(step) {
  const button = make('button', undefined, 'step');
  button.type = 'button';
  button.append(make('b', step.what));
  button.append(...step.then.map(text => make('span', text)));
  if (step.choice) button.append(make('span', `outcome ${step.choice}`, 'tag'));
  if (step.beyond) {
    button.append(make('span', `beyond the bounds: no more ${step.beyond}`, 'tag'));
    button.classList.add('beyond');
  }
  if (step.fails) button.classList.add('fails');
  button.addEventListener('click', () => {
    button.blur();
    go([...names(), step.name]);
  });
  return button;
}

// The state ----------------------------------------------------------------------------------

function property(each) {
  const bad = each.holds === false && each.kind === 'always';
  const item = make('li', undefined, each.holds ? 'good' : bad ? 'bad' : 'open');
  const says = each.holds === false && each.kind === 'sometimes' ? 'does not hold here' : each.says;
  item.append(`${each.kind} `, placeButton(each.name, each.at), `: ${says}`);
  if (each.why.length) {
    const why = make('ul');
    why.append(...each.why.map(text => make('li', text)));
    item.append(why);
  }
  return item;
}

function process(each) {
  const changed = each.new || each.moved || each.fields.some(field => field.was !== null);
  const article = make('article', undefined, changed ? 'changed' : '');
  article.classList.toggle('quiet', each.state === 'has ended');
  article.append(make('h3', each.name + (each.new ? ' (new)' : '')));
  const standing = make('p', each.state + ' ');
  for (const place of each.at) {
    standing.append(placeButton(`${place.file}:${place.line}`, `${place.file}:${place.line}`));
    standing.append(` ${place.text} `);
  }
  article.append(standing);
  const table = make('table');
  for (const field of each.fields) table.append(row(field));
  for (const variable of each.variables) table.append(row(variable, 'variable '));
  article.append(table);
  return article;
}

function row(field, kind = '') {
  const line = make('tr', undefined, field.was === null ? '' : 'changed');
  const value = make('td');
  const text = make('div', field.value);
  if (field.was) text.append(' ', make('span', field.was, 'was'));
  value.append(text);
  line.append(make('td', kind + field.name), value);
  return line;
}

function showMessages(channels) {
  const parts = [];
  for (const channel of channels) {
    parts.push(make('h3', `${channel.sender} → ${channel.to}`));
    const list = make('ul');
    for (const each of channel.messages) {
      const kind = each.count === 0 ? 'gone' : each.more > 0 ? 'come' : '';
      const times = each.count > 1 ? ` × ${each.count}` : '';
      list.append(make('li', each.text + times, kind));
    }
    parts.push(list);
  }
  if (!channels.length) parts.push(make('p', 'None.'));
  $('messages').replaceChildren(...parts);
}

// The way ------------------------------------------------------------------------------------

function showDiagram(diagram, count) {
  const markup = `<svg xmlns="http://www.w3.org/2000/svg">${diagram.heads}${diagram.lines}</svg>`;
  const parsed = new DOMParser().parseFromString(markup, 'image/svg+xml').documentElement;
  const parts = [...parsed.children].map(each => document.importNode(each, true));
  $('diagram').replaceChildren(...parts);
  const last = [];
  for (const each of $('diagram').querySelectorAll('.row')) {
    each.removeAttribute('aria-controls');
    each.removeAttribute('aria-expanded');
    const number = Number(each.dataset.row);
    if (diagram.rows[number] === count) {
      each.setAttribute('aria-current', 'step');
      last.push(String(number));
    }
    each.addEventListener('click', () => go(names().slice(0, diagram.rows[number])));
  }
  for (const each of $('diagram').querySelectorAll('.arrows g')) {
    each.classList.toggle('on', each.dataset.rows.split(' ').some(row => last.includes(row)));
  }
  $('diagram').scrollTop = $('diagram').scrollHeight;
}

// The program --------------------------------------------------------------------------------

function showSource(processes, ran) {
  const stands = grouped(
    processes.flatMap(each => each.at.map(place => [`${place.file}:${place.line}`, each.name])),
    ([place]) => place);
  for (const line of $('source').querySelectorAll('li')) {
    const place = line.dataset.at;
    line.classList.toggle('ran', ran.includes(place));
    line.classList.remove('shown');
    const who = stands.get(place);
    if (who) line.dataset.who = [...new Set(who.map(([, name]) => name))].join(', ');
    else delete line.dataset.who;
  }
  if (ran.length) showLine(ran[0], false);
}

function placeButton(text, place) {
  const button = make('button', text, 'place');
  button.type = 'button';
  button.addEventListener('click', () => showLine(place, true));
  return button;
}

function showLine(place, mark) {
  const line = [...$('source').querySelectorAll('li')].find(each => each.dataset.at === place);
  if (!line) return;
  showFile(line.parentElement.dataset.file);
  if (mark) {
    for (const each of $('source').querySelectorAll('.shown')) each.classList.remove('shown');
    line.classList.add('shown');
  }
  const box = $('source');
  box.scrollTop += line.getBoundingClientRect().top - box.getBoundingClientRect().top
    - box.clientHeight / 8;
}

function showFile(name) {
  $('file').value = name;
  for (const list of $('source').children) list.hidden = list.dataset.file !== name;
}

function begin() {
  $('program').textContent = about.program;
  for (const [name, lines] of Object.entries(about.sources)) {
    const option = make('option', name);
    option.value = name;
    $('file').append(option);
    const list = make('ol');
    list.dataset.file = name;
    lines.forEach((text, number) => {
      const line = make('li', text);
      line.dataset.at = `${name}:${number + 1}`;
      list.append(line);
    });
    $('source').append(list);
  }
  showFile(Object.keys(about.sources)[0]);
}

// Searching ----------------------------------------------------------------------------------

async function search(path, body) {
  busy(true);
  const timer = setInterval(progress, 300);
  try {
    const found = await ask(path, body);
    const kind = found.link !== null && path === 'violation' ? 'found-bad' : '';
    const loop = found.loop ? [`the last ${found.loop} steps are taken again and again`] : [];
    if (found.link !== null) {
      stays = true;
      $('expression').blur();
    }
    tell(kind, [...found.told, ...loop]);
    if (found.link !== null) go(found.link ? found.link.split('.') : []);
  } catch (error) {
    complain(error);
  } finally {
    clearInterval(timer);
    busy(false);
  }
}

function busy(on) {
  $('searching').hidden = !on;
  $('main').inert = on;
  for (const each of document.querySelectorAll('.tools button')) each.disabled = on;
  if (on) $('progress').textContent = 'Searching ... ';
  else $('back').disabled = $('beginning').disabled = !names().length;
}

async function progress() {
  try {
    const {running, states, depth} = await ask('progress');
    if (running) {
      const told = `Searching: ${states.toLocaleString('en')} states, depth ${depth} `;
      $('progress').textContent = told;
    }
  } catch { /* the search itself says what is wrong */ }
}

// Keys ---------------------------------------------------------------------------------------

function choose(change) {
  const steps = [...$('steps').querySelectorAll('.step')];
  const now = steps.indexOf(document.activeElement);
  const next = now < 0 ? 0 : Math.min(Math.max(now + change, 0), steps.length - 1);
  if (steps.length) steps[next].focus();
}

document.addEventListener('keydown', event => {
  const target = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey || !$('searching').hidden) return;
  if (target.matches('input, select')) {
    if (event.key === 'Escape') target.blur();
    return;
  }
  if (event.key === 'ArrowDown' && !target.matches('#diagram, #source')) choose(1);
  else if (event.key === 'ArrowUp' && !target.matches('#diagram, #source')) choose(-1);
  else if (event.key === 'Enter' && target === document.body) choose(0);
  else if (event.key === 'Backspace') {
    if (names().length) go(names().slice(0, -1));
  } else if (event.key === '/') $('expression').focus();
  else return;
  event.preventDefault();
});

$('beginning').addEventListener('click', () => go([]));
$('back').addEventListener('click', () => go(names().slice(0, -1)));
$('violation').addEventListener('click', () => search('violation', {}));
$('stop').addEventListener('click', () => ask('stop', {}).catch(complain));
$('seek').addEventListener('submit', event => {
  event.preventDefault();
  search('seek', {expression: $('expression').value, at: $('onward').checked ? here() : ''});
});
$('file').addEventListener('change', () => showFile($('file').value));
window.addEventListener('hashchange', load);

ask('about').then(async answer => {
  about = answer;
  begin();
  if (!here()) {  // where there is one way to begin, that is where one begins
    const {state} = await ask('state/');
    if (state.steps.length === 1) history.replaceState(null, '', '#' + state.steps[0].name);
  }
  await load();
}).catch(complain);
