#include "check.h"

// The sun, Jupiter, Saturn, Uranus and Neptune; distances in astronomical units, time in days, masses times 4 pi
// squared.
static const Body planets[5] = {
    {0, 0, 0, 0, 0, 0, 39.47841760435743},
    {4.84143144246472090, -1.16032004402742839, -0.103622044471123109, 0.606326392995832, 2.81198684491626,
     -0.02521836165988763, 0.03769367487038949},
    {8.34336671824457987, 4.12479856412430479, -0.403523417114321381, -1.0107743461787924, 1.8256623712304119,
     0.008415761376584154, 0.011286326131968767},
    {12.8943695621391310, -15.1111514016986312, -0.223307578892655734, 1.0827910064415354, 0.8687130181696082,
     -0.010832637401363636, 0.0017237240570597112},
    {15.3796971148509165, -25.9193146099879641, 0.179258772950371181, 0.979090732243898, 0.5946989986476762,
     -0.034755955504078104, 0.0020336868699246304},
};

int main(void) {
  Body ours[5], twin[5];
  for (int64_t n = 0; n <= 5; n++) {
    memcpy(ours, planets, sizeof ours);
    memcpy(twin, planets, sizeof twin);
    for (int step = 0; step < 200; step++) {
      advance(ours, n, 0.01);
      c_advance(twin, n, 0.01);
    }
    CHECK_BYTES(ours, twin, sizeof ours);
    CHECK_F64(energy(ours, n), c_energy(twin, n));
  }
  CHECK_F64(distance(ours, ours + 3), c_distance(twin, twin + 3));
  SHOW("energy after 200 steps: %.9f", energy(ours, 5));
  return report("nbody");
}
