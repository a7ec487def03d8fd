// A page on a disk may not start a worker from a file, but from its own words it may.
{
  const source = SOURCE;
  const Worker = window.Worker;
  window.Worker = class extends Worker {
    constructor(url, options) {
      const onDisk = location.protocol === "file:";
      super(onDisk ? URL.createObjectURL(new Blob([source])) : url, options);
    }
  };
}
