// The C twin of nbody.clif.
#include "examples.h"
#include <math.h>

void c_advance(Body *bodies, int64_t n, double dt) {
  Body *end = bodies + n;
  for (Body *a = bodies; a < end; a++) {
    for (Body *b = a + 1; b < end; b++) {
      double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
      double squared = dx * dx + dy * dy + dz * dz;
      double magnitude = dt / (squared * sqrt(squared));
      double mb = b->mass * magnitude;
      a->vx -= dx * mb;
      a->vy -= dy * mb;
      a->vz -= dz * mb;
      double ma = a->mass * magnitude;
      b->vx += dx * ma;
      b->vy += dy * ma;
      b->vz += dz * ma;
    }
  }
  for (Body *a = bodies; a < end; a++) {
    a->x += dt * a->vx;
    a->y += dt * a->vy;
    a->z += dt * a->vz;
  }
}

double c_distance(const Body *a, const Body *b) {
  double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
  return sqrt(dx * dx + dy * dy + dz * dz);
}

double c_energy(const Body *bodies, int64_t n) {
  double energy = 0;
  const Body *end = bodies + n;
  for (const Body *a = bodies; a < end; a++) {
    energy += 0.5 * a->mass * (a->vx * a->vx + a->vy * a->vy + a->vz * a->vz);
    for (const Body *b = a + 1; b < end; b++) energy -= a->mass * b->mass / c_distance(a, b);
  }
  return energy;
}
